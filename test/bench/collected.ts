/** Stands in for the test runner where tests are run again and again in one process: they are collected, and run by whoever asks. */
import { expect } from 'vitest';

type Body = () => unknown;
interface Test {
  readonly name: string;
  readonly run: () => Promise<void>;
}

const collected: Test[] = [];
let path: readonly string[] = [];
let before: readonly Body[] = [];

const add = (title: string, body: Body): void => {
  const first = before;
  const name = [...path, title].join(' › ');
  collected.push({
    name,
    run: async () => {
      for (const b of first) await b();
      await body();
    },
  });
};

const filled = (title: string, values: readonly unknown[]): string =>
  values.reduce<string>((t, v) => t.replace(/%[a-z]/, () => (typeof v === 'string' ? v : JSON.stringify(v))), title);

/** @public */
export const it = Object.assign((title: string, body: Body) => add(title, body), {
  each:
    (rows: readonly unknown[]) =>
    (title: string, body: (...values: readonly unknown[]) => unknown): void => {
      for (const row of rows) {
        const values = Array.isArray(row) ? row : [row];
        add(filled(title, values), () => body(...values));
      }
    },
});

/** @public */
export const describe = (title: string, body: Body): void => {
  const [outer, first] = [path, before];
  path = [...path, title];
  body();
  [path, before] = [outer, first];
};

/** @public */
export const beforeEach = (body: Body): void => {
  before = [...before, body];
};

/** What was collected since the last time. */
export const taken = (): readonly Test[] => collected.splice(0);

/** @public */
export { expect };
