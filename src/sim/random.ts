/** A small seeded generator: the same seed gives the same farm, the same delays, the same UUIDs. */

export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number of this range, both ends included. */
  between(range: readonly [number, number]): number;
  hex(digits: number): string;
  uuid(): string;
  /** Another one that throws the same from here on. */
  copy(): Random;
}

const seedOf = (text: string): number => {
  let h = 2166136261;
  for (const c of text) h = Math.imul(h ^ (c.codePointAt(0) ?? 0), 16777619);
  return h >>> 0;
};

/** mulberry32: 32 bits of state are plenty for delays. */
export const makeRandom = (seed: string): Random => from(seedOf(seed));

const from = (start: number): Random => {
  let state = start;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join('');
  return {
    next,
    between: ([low, high]) => low + Math.floor(next() * (high - low + 1)),
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    copy: () => from(state),
  };
};
