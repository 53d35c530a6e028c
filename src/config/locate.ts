/** From a JSON pointer to line and column: one pass over the parser's events for all pointers that are asked of a file. */
import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, type Event, type ScalarEvent } from 'js-yaml';
import type { Diagnostic, Position } from '../core/diagnostic.ts';
import { cut } from '../core/json.ts';
import { byText } from '../core/order.ts';
import { starred } from '../core/password.ts';
import { withoutUserinfo } from '../core/userinfo.ts';
import { concealer, type Conceal } from './secret-places.ts';
import { isPosition, keysOf, type Place, type Problem } from './problem.ts';

/** Offsets into the text, the end exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Offsets → positions; finding the lines once makes each of them cheap. */
export const positions = (file: string, text: string): ((range: Range) => Position) => {
  const starts = [0];
  for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return ({ start, end }) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= start) low = middle;
      else high = middle - 1;
    }
    const from = starts[low] ?? 0;
    const line = text.slice(from, (starts[low + 1] ?? text.length + 1) - 1).replace(/\r$/, '');
    const column = Math.min(start - from, line.length);
    return {
      file,
      line: low + 1,
      column: column + 1,
      text: line,
      width: Math.max(1, Math.min(end - start, line.length - column)),
    };
  };
};

/** The pointers that are wanted, as a tree; `key` and `value` are filled in by the pass. */
interface Wanted {
  readonly children: Map<string, Wanted>;
  key?: Range;
  value?: Range;
  /** The value is a scalar or an alias, so that it can be underlined itself. */
  plain?: boolean;
}

const scalarRange = (e: ScalarEvent): Range | undefined => {
  if (e.valueStart < 0) return undefined;
  const quoted = e.style === SCALAR_STYLE.SINGLE_QUOTED || e.style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0;
  return { start: e.valueStart - quoted, end: e.valueEnd + quoted };
};

interface Frame {
  readonly map: boolean;
  readonly wanted: Wanted | undefined;
  index: number;
  /** In a map: undefined before a key, then what its value is. */
  pending: { readonly child: Wanted | undefined } | undefined;
}

const fill = (events: readonly Event[], text: string, root: Wanted): void => {
  const stack: Frame[] = [];
  /** The tree's node of the value that begins here; null where it is a key. */
  const enter = (scalar: ScalarEvent | null): Wanted | undefined | null => {
    const top = stack.at(-1);
    if (!top) return root;
    if (!top.map) return top.wanted?.children.get(String(top.index++));
    if (top.pending) {
      const { child } = top.pending;
      top.pending = undefined;
      return child;
    }
    const key = scalar && top.wanted ? getScalarValue(text, scalar) : undefined;
    const child = key === undefined ? undefined : top.wanted?.children.get(key);
    const range = scalar ? scalarRange(scalar) : undefined;
    // Of a key that stands twice, the first counts.
    if (child?.key) top.pending = { child: undefined };
    else {
      if (child && range) child.key = range;
      top.pending = { child };
    }
    return null;
  };
  const put = (node: Wanted | undefined | null, value: Range | undefined, plain: boolean): void => {
    if (!node || !value) return;
    node.value = value;
    node.plain = plain;
  };
  for (const e of events) {
    switch (e.type) {
      case EVENT_ID.DOCUMENT:
        break;
      case EVENT_ID.SCALAR:
        put(enter(e), scalarRange(e), true);
        break;
      case EVENT_ID.ALIAS:
        put(enter(null), { start: e.anchorStart - 1, end: e.anchorEnd }, true);
        break;
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING: {
        const node = enter(null);
        put(node, { start: e.start, end: e.start + 1 }, false);
        stack.push({ map: e.type === EVENT_ID.MAPPING, wanted: node ?? undefined, index: 0, pending: undefined });
        break;
      }
      case EVENT_ID.POP:
        stack.pop();
        break;
      default:
        e satisfies never;
    }
  }
};

/**
 * The positions of many places of one file. Where a pointer leads to nothing (a key that is missing, a value behind an
 * alias), the nearest thing around it is shown.
 */
export const locateAll = (file: string, text: string, pointers: Iterable<string>): ((place: Place) => Position) => {
  const root: Wanted = { children: new Map() };
  for (const pointer of pointers) {
    let node = root;
    for (const key of keysOf(pointer)) {
      const next = node.children.get(key) ?? { children: new Map() };
      node.children.set(key, next);
      node = next;
    }
  }
  fill(parseEvents(text, { filename: file }), text, root);
  const at = positions(file, text);
  return ({ pointer, on }) => {
    let node: Wanted | undefined = root;
    let found: Range = root.value ?? { start: 0, end: 0 };
    for (const key of keysOf(pointer)) {
      node = node.children.get(key);
      if (!node) break;
      const range: Range | undefined = on !== 'key' && node.plain ? node.value : (node.key ?? node.value);
      found = range ?? found;
    }
    return at(found);
  };
};

/** The keys that stand twice in one map, with both places; an empty key stands where its map begins. */
export const duplicateKeys = (
  events: readonly Event[],
  text: string,
): readonly { readonly key: string; readonly first: Range; readonly again: Range }[] => {
  const found: { key: string; first: Range; again: Range }[] = [];
  const stack: ({ seen: Map<string, Range>; isKey: boolean; start: number } | null)[] = [];
  for (const e of events) {
    if (e.type === EVENT_ID.DOCUMENT) continue;
    if (e.type === EVENT_ID.POP) {
      stack.pop();
      continue;
    }
    const top = stack.at(-1);
    if (top) {
      if (top.isKey && e.type === EVENT_ID.SCALAR) {
        const range = scalarRange(e) ?? { start: top.start, end: top.start + 1 };
        const key = getScalarValue(text, e);
        const first = top.seen.get(key);
        if (first) found.push({ key, first, again: range });
        else top.seen.set(key, range);
      }
      top.isKey = !top.isKey;
    }
    if (e.type === EVENT_ID.MAPPING) stack.push({ seen: new Map(), isKey: true, start: e.start });
    if (e.type === EVENT_ID.SEQUENCE) stack.push(null);
  }
  return found;
};

/**
 * Problems → diagnostics, sorted by file, line and column. `texts` has every file that a place may name. A line that may
 * hold a password is shown by none of them, and one in an address is covered wherever it would be shown.
 */
export const locate = (problems: readonly Problem[], texts: ReadonlyMap<string, string>): readonly Diagnostic[] => {
  const wanted = new Map<string, Set<string>>();
  const want = (at: Place): void => {
    const set = wanted.get(at.file) ?? new Set();
    wanted.set(at.file, set.add(at.pointer));
  };
  for (const p of problems) {
    if (p.at && !isPosition(p.at)) want(p.at);
    for (const r of p.related ?? []) want(r.at);
  }
  const locators = new Map<string, (place: Place) => Position>();
  const concealers = new Map<string, Conceal>();
  for (const [file, pointers] of wanted) {
    const text = texts.get(file) ?? '';
    locators.set(file, locateAll(file, text, pointers));
    concealers.set(file, concealer(file, text));
  }
  const position = (at: Place): Position =>
    locators.get(at.file)?.(at) ?? { file: at.file, line: 1, column: 1, text: '', width: 0 };
  const placed = problems.map((p) => {
    const at = p.at === undefined || isPosition(p.at) ? p.at : position(p.at);
    return { ...p, at, related: p.related?.map((r) => ({ message: r.message, at: position(r.at) })) };
  });
  const line = (at: Position): string => `${at.file}\n${at.line}`;
  const hidden = new Set(placed.flatMap((p) => (p.conceal === true && p.at ? [line(p.at)] : [])));
  // Many mistakes may stand in one line, and a line may have no end.
  const covered = new Map<string, string>();
  const cover = (at: Position): Position => {
    if (hidden.has(line(at))) return { ...at, text: '', width: 0 };
    const text = covered.get(line(at)) ?? withoutUserinfo(starred((concealers.get(at.file)?.(at) ?? at).text));
    covered.set(line(at), text);
    return { ...at, text };
  };
  return placed
    .map(({ severity, code, message, at, hint, related }): Diagnostic => {
      return {
        severity: severity ?? 'error',
        code,
        message: withoutUserinfo(cut(message)),
        at: at && cover(at),
        hint: hint && withoutUserinfo(cut(hint)),
        related: related?.map((r) => ({ message: withoutUserinfo(cut(r.message)), at: cover(r.at) })),
      };
    })
    .sort(
      (a, b) =>
        byText(a.at?.file ?? '', b.at?.file ?? '') ||
        (a.at?.line ?? 0) - (b.at?.line ?? 0) ||
        (a.at?.column ?? 0) - (b.at?.column ?? 0),
    );
};
