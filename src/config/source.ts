/** The bytes of one file → its value, or what is wrong with its text: encoding, syntax, keys that stand twice, aliases. */
import {
  constructFromEvents,
  CORE_SCHEMA,
  defineMappingTag,
  EVENT_ID,
  mapTag,
  parseEvents,
  YAMLException,
  type Event,
} from 'js-yaml';
import { parseDocument } from 'yaml';
import { decode } from './encoding.ts';
import { duplicateKeys, positions } from './locate.ts';
import { isPosition, type Problem } from './problem.ts';
import { concealer, type Conceal } from './secret-places.ts';
import { table } from '../core/table.ts';

export interface Source {
  readonly file: string;
  readonly text: string;
  /** The file's top keys. */
  readonly value: Record<string, unknown>;
}

/** Bytes. */
export const largestFile = 32 * 1024 * 1024;
/** How many values aliases may add to those that are written out, and how deep they may nest. */
const mostAliased = 1_000_000;
const deepestAliased = 200;
/** `yaml` tells syntax errors better than js-yaml, and takes longer: for files of up to this many characters. */
const mostExplained = 1_000_000;
/** How many characters behind the mistake it is shown. */
const mostBehind = 2000;

export type Parsed =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly text: string };

export const tooLarge = (file: string, size: number): Problem => ({
  code: 'too-large',
  message: `the file has ${Math.ceil(size / 1024 / 1024)} MiB; ${largestFile / 1024 / 1024} MiB are allowed`,
  at: { file, line: 1, column: 1, text: '', width: 0 },
  hint: 'split it into several files in a folder',
});

export const parseSource = (file: string, bytes: Uint8Array): Parsed => {
  if (bytes.length > largestFile) return { ok: false, problems: [tooLarge(file, bytes.length)], text: '' };
  const decoded = decode(file, bytes);
  if ('problem' in decoded) return { ok: false, problems: [decoded.problem], text: '' };
  const { text } = decoded;
  const refuseAll = (problems: readonly Problem[]): Parsed => ({
    ok: false,
    problems: concealed(problems, concealer(file, text)),
    text,
  });
  const refuse = (...problems: Problem[]): Parsed => refuseAll(problems);
  const position = (start: number, end: number) => positions(file, text)({ start, end });
  let events: Event[];
  let value: unknown;
  let twice = false;
  const keepFirst = defineMappingTag<Record<string, unknown>>('tag:yaml.org,2002:map', {
    ...mapTag,
    has: () => false,
    addPair: (map, key, item) => {
      if (!mapTag.has(map, key)) return mapTag.addPair(map, key, item);
      twice = true;
      return '';
    },
  });
  try {
    events = parseEvents(text, { filename: file });
    const [, second] = events.filter((e) => e.type === EVENT_ID.DOCUMENT);
    if (second) return refuse(severalDocuments(position(...secondMarker(text))));
    value = constructFromEvents(events, { source: text, schema: CORE_SCHEMA.withTags(keepFirst) })[0];
  } catch (e) {
    if (!(e instanceof YAMLException)) throw e;
    return refuseAll(syntaxProblems(file, text, e));
  }
  if (twice) return refuseAll(duplicateProblems(file, text, events));
  if (value === undefined || value === null) {
    return refuse({
      code: 'empty-file',
      message: 'the file is empty',
      at: position(0, 0),
      hint: 'a farm begins with its name, like `farm: home`',
    });
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    return refuse({
      code: 'wrong-type',
      message: `the file holds ${Array.isArray(value) ? 'a list' : 'one value'}, not a map of keys`,
      at: position(0, 1),
      hint: 'begin with keys, like `farm: home`',
    });
  }
  if (events.some((e) => e.type === EVENT_ID.ALIAS) && explodes(value, events.length + mostAliased)) {
    const alias = events.find((e) => e.type === EVENT_ID.ALIAS);
    return refuse({
      code: 'alias-bomb',
      message: `aliases blow the file up to more than ${mostAliased} values, or nest more than ${deepestAliased} deep`,
      at: alias?.type === EVENT_ID.ALIAS ? position(alias.anchorStart - 1, alias.anchorEnd) : undefined,
      hint: 'use a profile, or defaults, in place of aliases of aliases',
    });
  }
  return { ok: true, source: { file, text, value: value as Record<string, unknown> } };
};

/** A parser may repeat what it does not understand: an anchor, a tag, a key. */
const concealed = (problems: readonly Problem[], conceal: Conceal): readonly Problem[] =>
  problems.map((p) => {
    if (!p.at || !isPosition(p.at)) return p;
    const at = conceal(p.at);
    if (at.text === p.at.text) return p;
    return { ...p, at, message: p.message.replaceAll(/`[^`]*`|"[^"]*"|!\S+|@\S+/g, '…') };
  });

const severalDocuments = (at: Problem['at']): Problem => ({
  code: 'several-documents',
  message: 'the file holds several YAML documents',
  at,
  hint: 'take the `---` between them out, or make them several files',
});

/** Where the marker stands that begins the second document. */
const secondMarker = (text: string): [number, number] => {
  const markers = [...text.matchAll(/^---(?=\s|$)/gm)].map((m) => m.index);
  const first = /^(?:\s*(?:#.*)?\n)*---/.test(text) ? 1 : 0;
  const start = markers[first] ?? text.length;
  return [start, start + 3];
};

const duplicateProblems = (file: string, text: string, events: readonly Event[]): readonly Problem[] => {
  const at = positions(file, text);
  const found = duplicateKeys(events, text);
  // Two spellings of one key (`1` and `0x1`, an alias) are one only when they are read.
  if (found.length === 0) {
    return [
      {
        code: 'duplicate-key',
        message: 'a key stands twice in one map, in two spellings',
        at: at({ start: 0, end: 1 }),
        hint: 'write keys as plain words, each once',
      },
    ];
  }
  return found.map(({ key, first, again }) => {
    const { line } = at(first);
    return {
      code: 'duplicate-key',
      message: `${JSON.stringify(key)} stands twice in one map`,
      at: at(again),
      hint: `the first stands in line ${line}; take one of them out`,
    };
  });
};

/** How js-yaml says it → how we do. */
const rewordings: readonly (readonly [RegExp, string])[] = [
  [/unidentified alias "(.*)"/, 'there is no anchor `&$1` before this alias'],
  [/recursive alias "(.*)".*/, 'the alias `*$1` is inside of its own anchor'],
  [/unknown (?:scalar|sequence|mapping) tag !<(.*)>/, 'the tag $1 means nothing here'],
  [/null byte is not allowed in input/, 'a NUL byte stands in the file'],
  [/nesting exceeded maxDepth.*/, 'the file nests more than 100 deep'],
  [/object-based map does not support complex keys/, 'a key must be a word, not a map or a list'],
];

const syntaxProblems = (file: string, text: string, e: YAMLException): readonly Problem[] => {
  const at = positions(file, text);
  const offset = e.mark?.position ?? text.length;
  const plain: Problem = {
    code: 'syntax',
    message: rewordings.reduce((s, [from, to]) => s.replace(from, to), e.reason),
    at: at({ start: offset, end: offset + 1 }),
  };
  const reworded = plain.message !== e.reason;
  if (/expected a document/.test(e.reason) || reworded || text.length > mostExplained)
    return [withTab(plain, text, offset)];
  // It goes on after the first mistake, and each costs it more than the one before.
  const { errors } = parseDocument(text.slice(0, offset + mostBehind), {
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const tabs = errors.filter((x) => x.code === 'TAB_AS_INDENT');
  // The first is the mistake; those after it mostly follow from it.
  const shown = tabs.length > 0 ? tabs.slice(0, 20) : errors.slice(0, 1);
  if (shown.length === 0) return [withTab(plain, text, offset)];
  return shown.map((x) => {
    const [start, end] = x.pos;
    const blank = /^[ ]*/.exec(text.slice(start, start + 1000))?.[0].length ?? 0;
    const place = at({ start: start + blank, end: Math.max(end, start + blank + 1) });
    return withTab({ code: 'syntax', message: lowerFirst(x.message), at: place, hint: helps[x.code] }, text, start);
  });
};

/** By the codes of `yaml`. */
const helps: Readonly<Record<string, string>> = table({
  BAD_INDENT: 'the keys of one map begin in the same column; what opens with a bracket also closes with one',
  MISSING_CHAR: 'something above it was opened and not closed',
  BLOCK_AS_IMPLICIT_KEY: 'a text that holds ": " needs quotes',
});

const lowerFirst = (s: string): string => s.charAt(0).toLowerCase() + s.slice(1);

/** Says so where the line of the error is indented with a tab, which is what is mostly behind it. */
const withTab = (p: Problem, text: string, offset: number): Problem => {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const indent = /^[ \t]*/.exec(text.slice(start, start + 1000))?.[0] ?? '';
  const tab = indent.indexOf('\t');
  if (tab === -1) return p;
  const at = p.at && 'line' in p.at ? { ...p.at, column: tab + 1, width: 1 } : p.at;
  return { code: 'tab', message: 'YAML is not indented with tabs', at, hint: 'indent with spaces' };
};

/** Whether the value, with every alias written out, has more than `most` values or nests too deep. */
const explodes = (value: unknown, most: number): boolean => {
  interface Extent {
    readonly size: number;
    readonly height: number;
  }
  const known = new Map<object, Extent>();
  const extent = (v: unknown): Extent => {
    if (v === null || typeof v !== 'object') return { size: 1, height: 0 };
    const before = known.get(v);
    if (before) return before;
    let size = 1;
    let height = 0;
    for (const item of Object.values(v)) {
      const inner = extent(item);
      size += inner.size;
      height = Math.max(height, inner.height);
    }
    const all = { size, height: height + 1 };
    known.set(v, all);
    return all;
  };
  const { size, height } = extent(value);
  return size > most || height > deepestAliased;
};
