"""The small package that the chapters of the book import.

Rooms, and what each may touch:

``data``         reads the tables under ``data/`` through the data package
``quantity``     how a number and its unit are printed
``ledger``       what a claim is, its verdict, how its value prints
``values``       what a role prints, on a page and on a card alike
``cards``        questions, quizzes, and the decks made of them
``transformer``  parameter counts and cache sizes of language models
``figures``      the look of a figure and the form in which it is saved
``tables``       a data frame shown alike on the web and on paper
``prose``        computed numbers for sentences, each with a guard
``sphinx_ext``   roles and directives; the only room that imports Sphinx
``nursery``      starts the chapters' kernels quickly
``pandoc``       the resolved book as a tree, from which all other formats are made
``export``       from the resolved book to the PDF
``links``        whether the addresses that the book cites are still there
``build``        the command behind ``make``

Chapters may import any room from ``data`` to ``prose``.
"""
