/**
 * What is new into the text of a file that is there: entries are put behind those of their map, and all else stays as it is, to the
 * byte. Where a map is written in one line, its own lines are written anew, with their comments.
 */
import { isMap, isScalar, parseDocument, type Document, type YAMLMap } from 'yaml';

/** The entries of one top key, as lines without indentation; each entry begins with its comments. */
export interface Block {
  readonly key: string;
  readonly text: string;
  /** The same as a map, for a file that has it in one line. */
  readonly map: YAMLMap;
}

const indented = (text: string, by: number): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : ' '.repeat(by) + line))
    .join('\n');

const itemOf = (doc: Document.Parsed, key: string) =>
  isMap(doc.contents) ? doc.contents.items.find((i) => isScalar(i.key) && i.key.value === key) : undefined;

/** Behind the line on which the last thing before `end` stands, its comment included. */
const behind = (text: string, end: number): number => {
  let at = end;
  while (at > 0 && /\s/.test(text[at - 1] ?? '')) at -= 1;
  const newline = text.indexOf('\n', at);
  return newline < 0 ? text.length : newline + 1;
};

const inserted = (text: string, at: number, lines: string): string => {
  const before = text.slice(0, at);
  return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${lines}${text.slice(at)}`;
};

const columnOf = (text: string, offset: number): number => offset - (text.lastIndexOf('\n', offset - 1) + 1);

const put = (text: string, { key, text: lines, map }: Block): string => {
  const doc = parseDocument(text);
  const item = itemOf(doc, key);
  if (!item) {
    const end = behind(text, text.length);
    return inserted(text, end, `${text.trim() === '' ? '' : '\n'}${key}:\n${indented(lines, 2)}`);
  }
  const { key: name, value } = item;
  if (isMap(value) && value.items.length > 0 && !value.flow) {
    const [first] = value.items;
    const start = isScalar(first?.key) ? (first.key.range?.[0] ?? 0) : 0;
    return inserted(text, behind(text, value.range?.[1] ?? text.length), indented(lines, columnOf(text, start)));
  }
  const empty = isMap(value) ? value.items.length === 0 : isScalar(value) && value.value === null;
  const range = isMap(value) || isScalar(value) ? value.range : undefined;
  const after = isScalar(name) ? (name.range?.[1] ?? 0) : 0;
  if (empty) {
    // `vms: {}`, or `vms:` with nothing behind it.
    const cut = isMap(value) && range ? `${text.slice(0, range[0]).trimEnd()}${text.slice(range[1])}` : text;
    return inserted(cut, behind(cut, after + 1), indented(lines, 2));
  }
  if (isMap(value)) {
    for (const more of map.items) value.items.push(more as never);
    value.flow = false;
  }
  return doc.toString({ lineWidth: 0 });
};

/** In the order of the blocks; a key that the file does not have comes at its end. */
export const mergedText = (text: string, blocks: readonly Block[]): string => blocks.reduce(put, text);
