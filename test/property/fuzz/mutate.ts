/** What a fuzzer does to a good sample: small damage, odd words, repetition, and JSON whose values are not what they should be. */

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export type Random = () => number;

export const randomOf = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};

const below = (random: Random, n: number): number => Math.floor(random() * n);

const pick = <T>(random: Random, from: readonly T[]): T => {
  const found = from[below(random, from.length)];
  if (found === undefined) throw new RangeError('there is nothing to pick from');
  return found;
};

/** What parsers stumble over wherever it stands. */
const odd = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'null',
  'true',
  '-1',
  '0',
  '1e999',
  '99999999999999999999',
  'NaN',
  '0x',
  '\u0000',
  '\u001b[2J',
  '\u009b',
  '\u202e',
  '\ufeff',
  '\r',
  '\n',
  '\t',
  ' ',
  '"',
  "'",
  '\\',
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '=',
  '#',
  '*',
  '?',
  '!',
  '@',
  '%',
  '/',
  '..',
  '|',
  '&',
  '~',
  '<<',
  '${',
  '\u00e9',
  '\ud800',
  '1',
  '9',
];

/** Characters; what grows stays below. */
const largest = 48 * 1024;

type Change = (text: string, random: Random, words: readonly string[], others: readonly string[]) => string;

const cut = (text: string, random: Random): readonly [number, number] => {
  const from = below(random, text.length + 1);
  const length = random() < 0.8 ? below(random, 16) : below(random, text.length - from + 1);
  return [from, Math.min(text.length, from + length)];
};

const changes: readonly Change[] = [
  // A character is another one.
  (t, r) => {
    const at = below(r, t.length + 1);
    return `${t.slice(0, at)}${String.fromCharCode(below(r, 256))}${t.slice(at + 1)}`;
  },
  (t, r) => {
    const [from, to] = cut(t, r);
    return t.slice(0, from) + t.slice(to);
  },
  (t, r) => t.slice(0, below(r, t.length + 1)),
  (t, r, words) => {
    const at = below(r, t.length + 1);
    return t.slice(0, at) + pick(r, r() < 0.5 || words.length === 0 ? odd : words) + t.slice(at);
  },
  (t, r, words) => {
    const [from, to] = cut(t, r);
    return t.slice(0, from) + pick(r, r() < 0.5 || words.length === 0 ? odd : words) + t.slice(to);
  },
  (t, r, _words, others) => {
    const other = pick(r, others);
    return t.slice(0, below(r, t.length + 1)) + other.slice(below(r, other.length + 1));
  },
  // A line moves.
  (t, r) => {
    const lines = t.split('\n');
    const [line = ''] = lines.splice(below(r, lines.length), 1);
    lines.splice(below(r, lines.length + 1), 0, line);
    return lines.join('\n');
  },
  // A number is another one.
  (t, r) => {
    const numbers = [...t.matchAll(/\d+/g)];
    const at = numbers[below(r, numbers.length)];
    const other = pick(r, ['0', '-1', '4294967296', '9007199254740993', '1e400', '00', '']);
    return at ? t.slice(0, at.index) + other + t.slice(at.index + at[0].length) : t;
  },
];

/** Some of it many times over: what takes more than its share of time shows here. */
const swollen: Change = (t, r, words) => {
  const [from, to] = cut(t, r);
  const unit = (r() < 0.5 ? t.slice(from, to) : pick(r, [...odd, ...words])) || pick(r, odd);
  const times = Math.floor((1 + below(r, largest)) / unit.length);
  return t.slice(0, from) + unit.repeat(times) + t.slice(from);
};

/** A damaged sample. `words`: what means something in this language. */
export const mutated = (samples: readonly string[], words: readonly string[], random: Random): string => {
  let text = pick(random, samples);
  for (let n = 1 + below(random, 4); n > 0; n--) text = pick(random, changes)(text, random, words, samples);
  return random() < 0.02 ? swollen(text, random, words, samples) : text;
};

const nested = (depth: number): unknown => {
  let made: unknown = [];
  for (let n = 1; n < depth; n++) made = [made];
  return made;
};

const strangers: readonly ((random: Random) => unknown)[] = [
  () => null,
  () => 5,
  () => -1,
  () => 1.5,
  () => 1e300,
  () => true,
  () => '',
  (r) => pick(r, odd),
  () => 'x'.repeat(5000),
  () => [],
  () => ({}),
  () => [null],
  () => [[['x']]],
  () => ({ constructor: 1, toString: null }),
  () => JSON.parse('{"__proto__":{"planted":true}}') as unknown,
  (r) => nested(1 + below(r, 200)),
];

type Node = Record<string, unknown> | unknown[];

const isNode = (x: unknown): x is Node => typeof x === 'object' && x !== null;

const nodesOf = (root: unknown): readonly Node[] => {
  const found: Node[] = [];
  const left: unknown[] = [root];
  while (left.length > 0) {
    const x = left.pop();
    if (!isNode(x)) continue;
    found.push(x);
    left.push(...Object.values(x));
  }
  return found;
};

/** JSON in which a few values are of another type, are missing, stand twice or under another name; sometimes only its text is damaged. */
export const mutatedJson = (samples: readonly string[], words: readonly string[], random: Random): string => {
  if (random() < 0.25) return mutated(samples, words, random);
  const root: unknown = JSON.parse(pick(random, samples));
  for (let n = 1 + below(random, 3); n > 0; n--) {
    const node = pick(random, nodesOf(root));
    const keys = Object.keys(node);
    const key = keys.length === 0 ? pick(random, odd) : pick(random, keys);
    const members = node as Record<string, unknown>;
    const act = random();
    if (act < 0.6)
      Object.defineProperty(members, key, {
        value: pick(random, strangers)(random),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    else if (act < 0.8) Reflect.deleteProperty(members, key);
    else
      Object.defineProperty(members, pick(random, [...odd, ...words]), {
        value: Object.hasOwn(members, key) ? members[key] : null,
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  return JSON.stringify(root);
};
