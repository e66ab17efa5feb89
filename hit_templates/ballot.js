// The ballot: how many pictures have a vote, and what is missing before it can be sent.

const cards = [...document.querySelectorAll("fieldset[data-image-id]")];
const isVoted = (card) => !card.querySelector('input[value="skip"]').checked;
const isFlagged = (card) => card.querySelector('input[type="checkbox"]').checked;

function showProgress() {
  const voted = cards.filter(isVoted).length;
  const text = say("voted", { voted, all: cards.length });
  if (find("progress").textContent !== text) find("progress").textContent = text;
  find("filled").style.width = `${(100 * voted) / cards.length}%`;
  find("step-votes").classList.toggle("done", voted === cards.length);
  for (const card of cards) card.classList.toggle("voted", isVoted(card));
}

function missing() {
  if (!find("consent").checked) return ["why_consent"];
  return cards.some((card) => isVoted(card) || isFlagged(card)) ? null : ["why_vote"];
}

form.addEventListener("input", showProgress);
guardForm(missing, () => {});
openViewer(find("seed").src);
showProgress();
