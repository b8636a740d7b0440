// "Fail over now" on the tab Failover: one button a fault; they can be pressed while a trial waits for somebody.
import { element } from "./charts.js";

const KINDS = { crash: "Crash", hang: "Hang", planned: "Planned failover" };
const SCENARIO = "rds_failover";
const WAITING = "waiting";
const WORDS = {
  "waiting": "A trial waits for you: choose what happens to the writer.",
  "not yet": "The load has only begun.",
  "nobody came": "Nobody came in time: this trial is over.",
};
const shown = {};
let trial;
let word;
let asked;

export function offerFaults(place) {
  shown.buttons = Object.entries(KINDS).map(([kind, text]) => {
    const button = element("button", { type: "button", textContent: text, disabled: true });
    button.addEventListener("click", () => ask(kind));
    return button;
  });
  shown.hint = element("p", { id: "fault-hint" });
  shown.answer = element("p", { id: "fault-answer" });
  shown.answer.setAttribute("role", "status");
  shown.confirmation = element("form", { hidden: true, className: "confirmation" });
  shown.confirmation.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(asked, shown.confirmation.elements.confirm.value);
  });
  shown.root = element(
    "fieldset", { className: "faults", hidden: true }, element("legend", { textContent: "Fail over now" }),
    element("div", { className: "buttons" }, ...shown.buttons), shown.hint, shown.confirmation, shown.answer,
  );
  shown.root.setAttribute("aria-describedby", shown.hint.id);
  place.append(shown.root);
}

export function tellFaults(live) {
  const under_way = `${live.test}/${live.progress.trial}`;
  if (under_way !== trial) {
    trial = under_way;
    word = undefined;
    shown.answer.textContent = "";
  }
  const waits = live.progress.labels?.fault === "by_hand" && live.progress.state === "measuring";
  word = waits ? live.feeds.failover.at(-1)?.by_hand ?? word : undefined;
  shown.root.hidden = !(live.going_on && live.scenario === SCENARIO);
  for (const button of shown.buttons) button.disabled = word !== WAITING;
  const hint = word ? WORDS[word] ?? `This trial has had its fault: ${word}.` : "No trial waits for a fault now. Those of cells by_hand do, such as multi_az_instance.by_hand.";
  if (shown.hint.textContent !== hint) shown.hint.textContent = hint;
  if (word !== WAITING) shown.confirmation.hidden = true;
}

async function ask(kind, confirm) {
  asked = kind;
  try {
    const { token } = await (await fetch("token")).json();
    const answer = await fetch("fault", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
      body: JSON.stringify({ kind, confirm }),
    });
    const told = await answer.json();
    shown.answer.textContent = told.happened ?? told.error;
    if (told.confirm) askForConfirmation(told.confirm);
    else shown.confirmation.hidden = true;
  } catch (error) {
    shown.answer.textContent = `No answer (${error.message}); nothing may have happened.`;
  }
}

function askForConfirmation(words) {
  const field = element("input", { name: "confirm", required: true, autocomplete: "off" });
  const label = element("label", { textContent: `Type “${words}” to confirm: ` }, field);
  shown.confirmation.replaceChildren(label, element("button", { type: "submit", textContent: KINDS[asked] }));
  shown.confirmation.hidden = false;
  field.focus();
}
