/** Runs many damaged inputs through one decoder: each ends in a value or a clear error, in its time, and changes nothing else. */
import * as fc from 'fast-check';
import { assertUntouched } from '../prototype.ts';
import { randomOf, type Random } from './mutate.ts';

export interface Target {
  readonly name: string;
  /** Good ones: at least one of them is understood. */
  readonly samples: readonly string[];
  /** A damaged one. */
  readonly mutate: (samples: readonly string[], random: Random) => string;
  /** Inputs that come of no sample. */
  readonly fresh: fc.Arbitrary<string>;
  /** Takes one in, and gives what a person would be told of it; null: it was understood. Throws nothing. */
  readonly take: (input: string) => Promise<string | null> | string | null;
}

export interface Score {
  readonly name: string;
  readonly cases: number;
  readonly understood: number;
  readonly ms: number;
  readonly seed: number;
  readonly slowest: { readonly ms: number; readonly size: number; readonly seed: number };
}

/** One in so many is made from nothing. */
const freshEach = 10;

/** ms of this process's own time for an input of so many characters: a hundred times what the usual one takes. */
const allowed = (size: number): number => 400 + size / 64;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Whether it takes too long whenever it is tried: another process, or a collection of garbage, may come between once. */
const isSlow = async (target: Target, input: string): Promise<boolean> => {
  for (let again = 0; again < 3; again++) {
    const began = cpuMs();
    await target.take(input);
    if (cpuMs() - began <= allowed(input.length)) return false;
  }
  return true;
};

/** A message may have lines, and nothing else that a terminal obeys. */
const steers = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
/** Characters. */
const longest = 16_000;

const complaint = async (target: Target, input: string): Promise<string | null> => {
  const began = performance.now();
  let said: string | null;
  try {
    said = await target.take(input);
    assertUntouched();
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  if (said !== null && steers.test(said))
    return `a control character is printed: ${JSON.stringify(said.slice(0, 300))}`;
  if (said !== null && said.length > longest) return `a message of ${said.length} characters: ${said.slice(0, 300)}`;
  const ms = performance.now() - began;
  return ms > allowed(input.length) && (await isSlow(target, input))
    ? `${Math.round(ms)} ms for ${input.length} characters`
    : null;
};

/** The first case that breaks the rule ends it. Throws with the seed of that case and its input. */
export const fuzz = async (target: Target, cases: number, seed: number): Promise<Score> => {
  const fresh = fc.sample(target.fresh, { numRuns: Math.ceil(cases / freshEach), seed });
  const began = performance.now();
  let slowest = { ms: 0, size: 0, seed };
  let understood = 0;
  for (let i = 0; i < cases; i++) {
    const own = seed + i;
    const input = i % freshEach === 0 ? (fresh[i / freshEach] ?? '') : target.mutate(target.samples, randomOf(own));
    const start = performance.now();
    const wrong = await complaint(
      {
        ...target,
        take: async (x) => {
          const said = await target.take(x);
          understood += said === null ? 1 : 0;
          return said;
        },
      },
      input,
    );
    const ms = performance.now() - start;
    if (wrong !== null)
      throw new Error(
        `${target.name}, case ${i} of seed ${seed}: ${wrong}\ninput: ${JSON.stringify(input.slice(0, 3000))}`,
      );
    if (ms > slowest.ms) slowest = { ms, size: input.length, seed: own };
  }
  return { name: target.name, cases, understood, ms: performance.now() - began, seed, slowest };
};
