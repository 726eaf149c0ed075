// The queue of length one.
import { expect, it } from "vitest";
import { latest } from "../src/engine/latest";

const tick = () => new Promise((resolve) => setTimeout(resolve, 2));

it("runs one at a time, drops what is stale, and always works on the last", async () => {
  let running = 0;
  let most = 0;
  const worked: number[] = [];
  const done: number[] = [];
  const queue = latest(
    async (n: number) => {
      most = Math.max(most, ++running);
      worked.push(n);
      await tick();
      running--;
      return n * 10;
    },
    (result) => done.push(result),
    () => undefined,
  );
  for (let n = 0; n < 100; n++) queue.push(n);
  await queue.idle();
  expect(most).toBe(1);
  expect(worked).toEqual([0, 99]);
  expect(done).toEqual([0, 990]);
  queue.push(100);
  await queue.idle();
  expect(worked).toEqual([0, 99, 100]);
});

it("goes on after a failure", async () => {
  const failures: unknown[] = [];
  const done: number[] = [];
  const queue = latest(
    async (n: number) => {
      await tick();
      if (n === 1) throw new Error("one");
      return n;
    },
    (n) => done.push(n),
    (error) => failures.push(error),
  );
  queue.push(1);
  queue.push(2);
  await queue.idle();
  expect(failures).toHaveLength(1);
  expect(done).toEqual([2]);
});
