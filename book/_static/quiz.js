// Quizzes mark themselves. What was chosen is kept in the reader's own browser and nowhere else.
(() => {
  "use strict";
  const KEY = "deepseek-moment:quiz";
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(KEY)) || {};
  } catch {
    // no store, or not ours: the quiz works and forgets
  }
  function keep() {
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // as above
    }
  }

  function mark(question, choice) {
    const right = question.dataset.right;
    for (const label of question.querySelectorAll(".quiz-choice")) {
      const input = label.querySelector("input");
      input.checked = input.value === choice;
      label.classList.toggle("is-right", input.checked && choice === right);
      label.classList.toggle("is-wrong", input.checked && choice !== right);
    }
    const says = question.querySelector(".quiz-says");
    says.replaceChildren();
    if (!choice) return;
    const word = document.createElement("strong");
    word.className = choice === right ? "right" : "wrong";
    word.textContent = choice === right ? "✓ Right. " : "✗ Not this one. ";
    const reason = question.querySelector(`.quiz-key li[data-choice="${choice}"]`).cloneNode(true);
    reason.querySelector("strong")?.remove(); // the key's own 'Right.'
    says.append(word, ...reason.childNodes);
  }

  function count(quiz) {
    const questions = [...quiz.querySelectorAll(".quiz-question")];
    const chosen = questions.filter((q) => kept[q.dataset.quiz]);
    const right = questions.filter((q) => kept[q.dataset.quiz] === q.dataset.right);
    const line = quiz.querySelector(".quiz-score");
    line.replaceChildren();
    (kept.scores ||= {})[quiz.dataset.chapter] = chosen.length ? [right.length, chosen.length] : undefined;
    if (!chosen.length) return;
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = "Start again";
    again.addEventListener("click", () => {
      for (const q of questions) {
        delete kept[q.dataset.quiz];
        mark(q, "");
      }
      count(quiz);
      keep();
      questions[0].querySelector("input").focus();
    });
    line.append(`${right.length} of ${questions.length} right`
      + (chosen.length < questions.length ? `, ${questions.length - chosen.length} to go. ` : ". "), again);
  }

  for (const quiz of document.querySelectorAll("form.quiz")) {
    quiz.addEventListener("submit", (event) => event.preventDefault());
    for (const question of quiz.querySelectorAll(".quiz-question")) {
      mark(question, kept[question.dataset.quiz] || "");
      question.addEventListener("change", (event) => {
        kept[question.dataset.quiz] = event.target.value;
        mark(question, event.target.value);
        count(quiz);
        keep();
      });
    }
    count(quiz);
  }
  for (const place of document.querySelectorAll("[data-quiz-chapter]")) {
    const score = kept.scores?.[place.dataset.quizChapter];
    if (score) place.textContent = `${score[0]} of ${place.dataset.count} right`;
  }
})();
