// @ts-check
// Questions that come faster than answers: one is under way, and after it comes the newest, not those between.

/**
 * @template Q, A
 * @param {(question: Q) => Promise<A>} ask must not reject
 * @param {(answer: A, question: Q) => void} show in the order asked
 * @returns {(question: Q | null) => void} null: nothing is wanted any more, an answer under way is dropped
 */
export function askNewest(ask, show) {
  /** @type {Q | null} */
  let next = null;
  let isAsking = false;
  let round = 0; // answers to what was asked before the last null are dropped

  async function run() {
    isAsking = true;
    while (next !== null) {
      const question = next;
      const asked = round;
      next = null;
      const answer = await ask(question);
      if (asked === round) show(answer, question);
    }
    isAsking = false;
  }
  return function want(question) {
    next = question;
    if (question === null) round++;
    else if (!isAsking) run();
  };
}
