/** Where in a file passwords may stand, and texts with passwords in them: what is shown of its lines is without them. */
import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException, type ScalarEvent } from 'js-yaml';
import type { Position } from '../core/diagnostic.ts';

/** Whatever stands behind it may hold passwords. */
const textKey = /^(?:cloudInit|userData|metaData|networkConfig)$/i;
/** What stands behind it is a password, save where it is a map: a VM may have such a name. */
const wordKey = /passw(?:or)?d|secret|token/i;

export const isSecretPlace = (keys: readonly string[]): boolean =>
  keys.some((k) => textKey.test(k)) || wordKey.test(keys.at(-1) ?? '');

/** `${env:NAME}`, which is no secret itself. */
const reference = /^["']?\$\{(?:env|file):(?:[^{}]|\{n?\})*\}["']?$/;

interface Range {
  readonly start: number;
  readonly end: number;
}

const rangeOf = (e: ScalarEvent): Range => {
  const quote = e.style === SCALAR_STYLE.SINGLE_QUOTED || e.style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0;
  return { start: e.valueStart - quote, end: e.valueEnd + quote };
};

/** The values at secret places of a file that is YAML, in order. */
const valuesIn = (file: string, text: string): readonly Range[] => {
  const found: Range[] = [];
  /** `hides`: what stands here is secret. `next`: the key that was last. */
  const stack: { readonly map: boolean; readonly hides: boolean; isKey: boolean; next: string }[] = [];
  for (const e of parseEvents(text, { filename: file })) {
    if (e.type === EVENT_ID.DOCUMENT) continue;
    if (e.type === EVENT_ID.POP) {
      stack.pop();
      continue;
    }
    const top = stack.at(-1);
    const isKey = top?.map === true && top.isKey;
    const hides =
      top !== undefined &&
      (top.hides ||
        (top.map && !isKey && (textKey.test(top.next) || (e.type !== EVENT_ID.MAPPING && wordKey.test(top.next)))));
    if (e.type === EVENT_ID.SCALAR) {
      if (isKey) top.next = getScalarValue(text, e);
      if (hides && e.valueStart >= 0) found.push(rangeOf(e));
      // Of a password that was not quoted, a part may be taken for a tag or an anchor.
      if (hides && e.tagStart >= 0) found.push({ start: e.tagStart, end: e.tagEnd });
      if (hides && e.anchorStart >= 0) found.push({ start: e.anchorStart - 1, end: e.anchorEnd });
    }
    if (e.type === EVENT_ID.ALIAS && hides) found.push({ start: e.anchorStart - 1, end: e.anchorEnd });
    if (top?.map) top.isKey = !isKey;
    if (e.type === EVENT_ID.MAPPING || e.type === EVENT_ID.SEQUENCE)
      stack.push({ map: e.type === EVENT_ID.MAPPING, hides, isKey: true, next: '' });
  }
  return found.sort((a, b) => a.start - b.start);
};

/** The first of them that ends behind `from`. */
const firstBehind = (values: readonly Range[], from: number): number => {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle]?.end ?? 0) <= from) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** In a file that is no YAML: what stands behind such a key in its line. */
const behindKey =
  /((?:cloudInit|userData|metaData|networkConfig|passw(?:or)?d|secret|token)[\w-]{0,64}["']?\s{0,64}[:=]\s{0,64})(\S.*)/i;

/** Nothing but references, and what opens a map or a text. */
const harmless = /^(?:["']?\$\{(?:env|file):(?:[^{}]|\{n?\})*\}["']?|[{}[\]|>,\s])*$/;

const starred = (text: string): string => text.replaceAll(/\S/g, '*');

const indentOf = (line: string): number => line.length - line.trimStart().length;

/** How many lines above a line the key is looked for that it may belong to. */
const mostAbove = 5000;

/** Whether a line may belong to a text that has begun above it: all lines between stand further in than its key. */
const isWithin = (lines: readonly string[], line: number): boolean => {
  let least = Infinity;
  for (let at = line - 2; at >= Math.max(0, line - mostAbove); at -= 1) {
    const text = lines[at] ?? '';
    if (text.trim() === '') continue;
    const indent = indentOf(text);
    if (indent < least && behindKey.test(`${text} .`)) return true;
    least = Math.min(least, indent);
  }
  return false;
};

/** A position without what may be secret in its line: of equal length, so that it still points at what it did. */
export type Conceal = (at: Position) => Position;

export const concealer = (file: string, text: string): Conceal => {
  let values: readonly Range[];
  try {
    values = valuesIn(file, text);
  } catch (e) {
    if (!(e instanceof YAMLException)) throw e;
    const lines = text.split('\n');
    return (at) => {
      if (isWithin(lines, at.line)) return { ...at, text: '', width: 0 };
      const shown = at.text.replace(behindKey, (whole, key: string, value: string) =>
        harmless.test(value) ? whole : key + starred(value),
      );
      return { ...at, text: shown };
    };
  }
  const starts = [0];
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return (at) => {
    const from = starts[at.line - 1] ?? 0;
    let shown = at.text;
    for (let i = firstBehind(values, from); i < values.length; i += 1) {
      const { start = 0, end = 0 } = values[i] ?? {};
      if (start - from >= shown.length) break;
      const [a, b] = [Math.max(start - from, 0), Math.min(end - from, shown.length)];
      if (a < b && !reference.test(text.slice(start, end)))
        shown = shown.slice(0, a) + starred(shown.slice(a, b)) + shown.slice(b);
    }
    return { ...at, text: shown };
  };
};
