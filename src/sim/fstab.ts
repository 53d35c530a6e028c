/** /etc/fstab as mount(8) and the boot read it. */

export interface FstabLine {
  readonly source: string;
  readonly path: string;
  readonly type: string;
  readonly options: string;
}

const plain = (word: string): string =>
  word.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

const lineOf = (line: string): readonly FstabLine[] => {
  const [source = '#', path = '', type = '', options = 'defaults'] = line
    .trim()
    .split(/[ \t]+/)
    .map(plain);
  if (line.trim() === '' || source.startsWith('#') || type === '') return [];
  return [{ source, path: path.replace(/(?<=.)\/+$/, ''), type, options }];
};

export const readFstab = (text: string): readonly FstabLine[] => text.split('\n').flatMap(lineOf);
