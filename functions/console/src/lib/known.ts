// The wait until the API knows what a request has just begun.
import { asProblem } from '../api/problem';

// The looks, a second apart. `Begin` records an execution some tenths of a second after its start.
const LOOKS = 10;
const PAUSE = 1000;

// Waits until `look` finds what was begun, for ten seconds at most. Another problem than that it is
// missing ends the wait: the page that opens next says it.
export async function known(look: () => Promise<unknown>, pause = PAUSE): Promise<void> {
  for (let turn = 0; turn < LOOKS; turn += 1) {
    try {
      await look();
      return;
    } catch (error) {
      if (asProblem(error).kind !== 'missing') return;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
