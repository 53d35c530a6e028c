/** The words of a farm as the text of a file: names in the order of people, comments where something is to be said. */
import { Document, isMap, isScalar, visit, type Pair, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { byText } from '../../core/order.ts';
import { table } from '../../core/table.ts';
import { oneLine } from '../../core/visible.ts';
import { wordsOf, type Note, type Words } from './tree.ts';
import type { Imported } from './index.ts';
import type { Block } from './merge.ts';
import type { SharedWords } from './share.ts';

/** Columns. */
const width = 100;

const commentOf = (lines: readonly string[]): string => lines.map((l) => ` ${oneLine(l)}`).join('\n');

const options = { version: '1.2', schema: 'core' } as const;

/** What YAML 1.1, which other programs read, takes for something else than a text. */
const doubtful =
  /^(?:y|n|yes|no|on|off|[-+]?[\d_]+(?::[0-5]?\d)+(?:\.\d*)?|[-+]?0[\d_]+|\d{4}-\d\d?-\d\d?.*|[-+]?[\d_,.]+|[-+]?0[bx][\da-f_]+|=|<<)$/i;

/** Quotes texts that are doubtful; the word `on` of a VM is what every reader of this file knows. */
const quoteDoubtful = (top: YAMLMap): void =>
  visit(top, {
    Scalar(key, node, path) {
      if (typeof node.value !== 'string' || !doubtful.test(node.value)) return;
      const ours = key === 'key' && node.value === 'on' && path.filter(isMap).length === 3;
      if (!ours) node.type = 'QUOTE_DOUBLE';
    },
  });
const look = { lineWidth: 0, flowCollectionPadding: true, indentSeq: true } as const;

type Node = YAMLMap | YAMLSeq | Scalar;

const lengthOf = (node: unknown): number => JSON.stringify(node).length;

/** Maps that hold no map, and lists, stand in one line where they fit and nothing is said within them. */
const flowed = (node: unknown, depth: number): void => {
  if (isMap(node)) {
    for (const item of node.items) flowed(item.value, depth + 1);
    const quiet = node.items.every(({ key }) => !(isScalar(key) && key.commentBefore));
    const flat = node.items.every(({ value }) => !isMap(value) || value.flow === true);
    if (depth >= 3 && quiet && flat && lengthOf(node) <= width - 2 * depth) node.flow = true;
    return;
  }
  if (typeof node === 'object' && node !== null && 'items' in node) (node as YAMLSeq).flow = lengthOf(node) <= width;
};

const pairAt = (map: unknown, path: readonly string[]): Pair | undefined => {
  let at: unknown = map;
  let pair: Pair | undefined;
  for (const key of path) {
    if (!isMap(at)) return pair;
    const next: Pair | undefined = at.items.find((i) => (isScalar(i.key) ? i.key.value : i.key) === key);
    if (!next) return pair;
    pair = next;
    at = next.value;
  }
  return pair;
};

/** Above the key, or above the nearest of those that lead to it. */
const comment = (map: unknown, { at, text }: Note): void => {
  const key = pairAt(map, at)?.key;
  if (!isScalar(key)) return;
  const line = commentOf([text]);
  key.commentBefore = key.commentBefore ? `${key.commentBefore}\n${line}` : line;
};

/** The VMs as nodes, with what is said of each. */
const vmsMap = (doc: Document, { vms }: SharedWords): YAMLMap => {
  const map = doc.createNode(wordsOf([...vms].map(([key, w]) => [key, w.words]))) as YAMLMap;
  for (const [key, { notes }] of vms) for (const note of notes) comment(map, { ...note, at: [key, ...note.at] });
  return map;
};

const spaced = (map: YAMLMap): void => {
  for (const [i, { key }] of map.items.entries()) if (i > 0 && isScalar(key)) key.spaceBefore = true;
};

/** A file of these parts, in this order; those that are empty are not in it. */
const textOf = (
  doc: Document<Node>,
  parts: readonly (readonly [string, Words | YAMLMap])[],
  restNotes: readonly Note[],
  { head, left }: Pick<Imported, 'head' | 'left'>,
): string => {
  const top = doc.createNode({}) as YAMLMap;
  doc.contents = top;
  for (const [key, value] of parts) {
    const node: unknown = isMap(value) ? value : doc.createNode(value);
    if (!isMap(node) || node.items.length > 0) top.add(doc.createPair(doc.createNode(key), node));
  }
  for (const note of restNotes) comment(top, note);
  quoteDoubtful(top);
  flowed(top, 0);
  spaced(top);
  if (head.length > 0) doc.commentBefore = commentOf(head);
  if (left.length > 0)
    doc.comment = commentOf(['Not in this file:', ...left.map((l) => `${l.name} (${l.from}): ${l.why}`)]);
  return doc.toString(look);
};

const newDocument = (): Document<Node> => new Document<Node>({}, options);

type Part = readonly [string, Words | YAMLMap];

const restParts = ({ rest }: Imported): readonly Part[] => Object.entries(rest) as unknown as readonly Part[];

const profilesPart = ({ shared: { profiles } }: Imported): Part => [
  'profiles',
  wordsOf(Object.entries(profiles).sort(([a], [b]) => byText(a, b))),
];

/** The keys of the file, in their order. */
const partsOf = (doc: Document, all: Imported): readonly Part[] => [
  ...restParts(all),
  ['defaults', all.shared.defaults],
  profilesPart(all),
  ['vms', vmsMap(doc, all.shared)],
];

/** One file with all of it. */
export const farmText = (all: Imported): string => {
  const doc = newDocument();
  return textOf(doc, partsOf(doc, all), all.restNotes, all);
};

/** What is to be put into a file that is there (`mergedText`). */
export const blocksOf = (all: Imported): readonly Block[] => {
  const doc = newDocument();
  return partsOf(doc, all).flatMap(([key, value]): readonly Block[] => {
    const map: unknown = isMap(value) ? value : doc.createNode(value);
    if (!isMap(map) || map.items.length === 0) return [];
    const [, ...lines] = textOf(doc, [[key, map]], all.restNotes, { head: [], left: [] }).split('\n');
    return [{ key, map, text: lines.map((l) => l.replace(/^ {2}/, '')).join('\n') }];
  });
};

/** The same in files of a folder, by name: `defaults` count for the VMs of their own file. */
export const farmFiles = (all: Imported): Readonly<Record<string, string>> => {
  const doc = newDocument();
  const none = { head: all.head, left: [] };
  const files: readonly (readonly [string, boolean, () => string])[] = [
    ['farm.yaml', Object.keys(all.rest).length > 0, () => textOf(newDocument(), restParts(all), all.restNotes, none)],
    [
      'profiles.yaml',
      Object.keys(all.shared.profiles).length > 0,
      () => textOf(newDocument(), [profilesPart(all)], [], none),
    ],
    [
      'vms.yaml',
      true,
      () => textOf(doc, [['defaults', all.shared.defaults], ['vms', vmsMap(doc, all.shared)]], [], all), // prettier-ignore
    ],
  ];
  return table(files.flatMap(([name, there, text]) => (there ? [[name, text()] as const] : [])));
};
