// Latest: a queue of length one. While a job runs, only the newest request waits; older ones are dropped.

export interface Latest<A> {
  /** Asks for `work(argument)`; replaces a request that has not begun. */
  push(argument: A): void;
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>;
}

/** At most one call of `work` is in flight, and the last argument pushed is always worked on.
 *
 * @param work what is done with an argument; its result goes to `done`.
 * @param done receives results in the order of the calls.
 * @param failed receives what `work` throws.
 */
export function latest<A, R>(
  work: (argument: A) => Promise<R>,
  done: (result: R, argument: A) => void,
  failed: (error: unknown) => void,
): Latest<A> {
  let waiting: { argument: A } | null = null;
  let running: Promise<void> | null = null;

  async function drain(): Promise<void> {
    while (waiting) {
      const { argument } = waiting;
      waiting = null;
      try {
        done(await work(argument), argument);
      } catch (error) {
        failed(error);
      }
    }
    running = null;
  }
  return {
    push(argument) {
      waiting = { argument };
      running ??= drain();
    },
    idle: () => running ?? Promise.resolve(),
  };
}
