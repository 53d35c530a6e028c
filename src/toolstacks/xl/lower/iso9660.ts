/** A cloud-init NoCloud seed: files in an ISO 9660 image labelled `cidata`, the same bytes for the same files. */

export interface SeedFile {
  /** As the guest sees it: `user-data`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const sector = 2048;
const label = 'cidata';
/** Sectors, in their order; the files follow. */
const at = {
  primary: 16,
  joliet: 17,
  end: 18,
  paths: 19,
  pathsBig: 20,
  jolietPaths: 21,
  jolietPathsBig: 22,
  root: 23,
  jolietRoot: 24,
  files: 25,
};

const sectorsOf = (bytes: number): number => Math.ceil(bytes / sector);

/** Names of the primary tree are eight capitals, those of the Joliet tree, which Linux prefers, UCS-2. */
const shortName = (name: string): Uint8Array =>
  new TextEncoder().encode(
    `${name
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]/g, '')
      .slice(0, 8)}.;1`,
  );

const wide = (text: string): Uint8Array =>
  Uint8Array.from({ length: 2 * text.length }, (_, i) => (text.charCodeAt(i >> 1) >> (i % 2 === 0 ? 8 : 0)) & 0xff);

/** A writer over the whole image; numbers stand in both byte orders, one after the other. */
const writer = (image: Uint8Array) => {
  const view = new DataView(image.buffer);
  return {
    put: (to: number, bytes: Uint8Array): void => image.set(bytes, to),
    text: (to: number, text: string, length: number): void => {
      image.fill(0x20, to, to + length);
      image.set(new TextEncoder().encode(text), to);
    },
    both16: (to: number, n: number): void => {
      view.setUint16(to, n, true);
      view.setUint16(to + 2, n);
    },
    both32: (to: number, n: number): void => {
      view.setUint32(to, n, true);
      view.setUint32(to + 4, n);
    },
    one32: (to: number, n: number, little: boolean): void => view.setUint32(to, n, little),
    one16: (to: number, n: number, little: boolean): void => view.setUint16(to, n, little),
  };
};

type Writer = ReturnType<typeof writer>;

interface Entry {
  readonly name: Uint8Array;
  /** Its first sector, and its length in bytes. */
  readonly extent: number;
  readonly length: number;
  readonly folder: boolean;
}

/** One record of a folder; returns where the next begins. The date stays that of the epoch: 1 January 1970. */
const record = (w: Writer, image: Uint8Array, to: number, { name, extent, length, folder }: Entry): number => {
  const size = 33 + name.length + ((name.length + 1) % 2);
  image[to] = size;
  w.both32(to + 2, extent);
  w.both32(to + 10, length);
  w.put(to + 18, Uint8Array.of(70, 1, 1, 0, 0, 0, 0));
  image[to + 25] = folder ? 2 : 0;
  w.both16(to + 28, 1);
  image[to + 32] = name.length;
  w.put(to + 33, name);
  return to + size;
};

/** The one folder of a tree: itself, its parent (itself again), then the files, which must be in order. */
const tree = (w: Writer, image: Uint8Array, root: number, files: readonly Entry[]): void => {
  const self = { name: Uint8Array.of(0), extent: root, length: sector, folder: true };
  let to = record(w, image, root * sector, self);
  to = record(w, image, to, { ...self, name: Uint8Array.of(1) });
  for (const f of files) to = record(w, image, to, f);
};

/** Of the root alone. */
const pathTable = (w: Writer, to: number, root: number, little: boolean): void => {
  w.put(to, Uint8Array.of(1, 0));
  w.one32(to + 2, root, little);
  w.one16(to + 6, 1, little);
};

const pathTableLength = 10;

const descriptor = (w: Writer, image: Uint8Array, kind: 'primary' | 'joliet', total: number): void => {
  const to = at[kind] * sector;
  const joliet = kind === 'joliet';
  const text = (from: number, words: string, length: number): void => {
    if (!joliet) return w.text(to + from, words, length);
    for (let i = 0; i < length - 1; i += 2) w.put(to + from + i, Uint8Array.of(0, 0x20));
    w.put(to + from, wide(words));
  };
  image[to] = joliet ? 2 : 1;
  w.put(to + 1, new TextEncoder().encode('CD001'));
  image[to + 6] = 1;
  text(8, '', 32);
  text(40, label, 32);
  w.both32(to + 80, total);
  if (joliet) w.put(to + 88, new TextEncoder().encode('%/E'));
  w.both16(to + 120, 1);
  w.both16(to + 124, 1);
  w.both16(to + 128, sector);
  w.both32(to + 132, pathTableLength);
  w.one32(to + 140, joliet ? at.jolietPaths : at.paths, true);
  w.one32(to + 148, joliet ? at.jolietPathsBig : at.pathsBig, false);
  const root = joliet ? at.jolietRoot : at.root;
  record(w, image, to + 156, { name: Uint8Array.of(0), extent: root, length: sector, folder: true });
  text(190, '', 623);
  for (const date of [813, 830, 847, 864]) w.put(to + date, new TextEncoder().encode('0'.repeat(16)));
  image[to + 881] = 1;
};

/** Sorted by name; at most a dozen files, since one sector lists them. */
export const seedImage = (files: readonly SeedFile[]): Uint8Array => {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const starts: number[] = [];
  let next = at.files;
  for (const { bytes } of sorted) {
    starts.push(next);
    next += sectorsOf(bytes.length);
  }
  // Readers may look a little behind the end.
  const total = next + 16;
  const image = new Uint8Array(total * sector);
  const w = writer(image);
  descriptor(w, image, 'primary', total);
  descriptor(w, image, 'joliet', total);
  w.put(at.end * sector, Uint8Array.of(255, ...new TextEncoder().encode('CD001'), 1));
  pathTable(w, at.paths * sector, at.root, true);
  pathTable(w, at.pathsBig * sector, at.root, false);
  pathTable(w, at.jolietPaths * sector, at.jolietRoot, true);
  pathTable(w, at.jolietPathsBig * sector, at.jolietRoot, false);
  const entries = (nameOf: (name: string) => Uint8Array): readonly Entry[] =>
    sorted.map(({ name, bytes }, i) => ({
      name: nameOf(name),
      extent: starts[i] ?? at.files,
      length: bytes.length,
      folder: false,
    }));
  tree(w, image, at.root, entries(shortName));
  tree(w, image, at.jolietRoot, entries(wide));
  sorted.forEach(({ bytes }, i) => w.put((starts[i] ?? at.files) * sector, bytes));
  return image;
};
