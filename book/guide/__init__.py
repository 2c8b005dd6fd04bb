"""The small package that the chapters of the book import.

Rooms, and what each may touch:

``data``         reads the tables under ``data/`` through the data package
``quantity``     how a number and its unit are printed
``ledger``       what a claim is, its verdict, how its value prints
``values``       what a role prints, on a page and on a card alike
``cards``        questions, quizzes, and the decks made of them
``transformer``  parameter counts and cache sizes of language models
``economics``    what a run costs, and what a fall in price does to demand
``reliability``  chains of steps that may fail
``chips``        what the export rules measure on a chip, and what they demand
``power``        megawatts of a site, and how they swing
``figures``      the look of a figure and the form in which it is saved
``drawings``     what a figure's SVG carries: its palette, its words, its table
``interactive``  what an explorer is: controls, numbers, a chart that follows
``explorers``    the explorers of the book
``tables``       a data frame shown alike on the web and on paper
``prose``        computed numbers for sentences, each with a guard
``sphinx_ext``   roles and directives; the only room that imports Sphinx
``nursery``      starts the chapters' kernels quickly
``pandoc``       pandoc's document model, and what converts it
``stylesheet``   style sheets cut down to what pages use

``sphinx_ext`` leaves the book as one resolved tree of pandoc's, and from that are made

``export``       the PDF
``epub``         the EPUB
``markdown``     the text as Markdown, and ``llms.txt``
``notebooks``    the chapters as notebooks that run by themselves
``downloads``    the archives, and the links and sizes of all downloads in the site
``links``        whether the addresses that the book cites are still there

``build``        the command behind ``make``

Chapters may import the rooms from ``data`` to ``prose``.
"""
