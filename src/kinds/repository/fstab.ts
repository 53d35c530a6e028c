/** The lines of /etc/fstab that Reeve writes, each under a comment that says so, and the file without them. Pure. */

interface FstabEntry {
  readonly source: string;
  readonly path: string;
  readonly type: string;
  readonly options: string;
  /** It stands under Reeve's comment. */
  readonly ours: boolean;
  /** The number of its line, from 0. */
  readonly line: number;
}

/** fstab and /proc/mounts write blanks, tabs, newlines and backslashes of names in octal. */
export const unescaped = (word: string): string =>
  word.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

const written = (word: string): string =>
  word.replace(/[ \t\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);

const heading = '# Reeve keeps the next line: repository ';

export const fstabEntries = (text: string): readonly FstabEntry[] => {
  const lines = text.split('\n');
  return lines.flatMap((l, line): readonly FstabEntry[] => {
    if (l.trim() === '' || l.trimStart().startsWith('#')) return [];
    const [source = '', path = '', type = '', options = ''] = l.trim().split(/\s+/);
    const ours = lines[line - 1]?.startsWith(heading) === true;
    const folder = unescaped(path).replace(/(?<=.)\/+$/, '');
    return [{ source: unescaped(source), path: folder, type, options, ours, line }];
  });
};

/** The last entry at this path is the one that counts. */
export const fstabAt = (text: string, path: string): FstabEntry | undefined =>
  fstabEntries(text).findLast((e) => e.path === path);

/** As `mount -o` takes them: a store that does not answer must not keep the server from booting. */
export const mountOptions = (options: string): string =>
  ['_netdev', 'nofail', ...(options === '' ? [] : [options])].join(',');

/**
 * As a boot takes them. `nofail` takes a mount out of all that systemd waits for, so that xendomains would start its VMs
 * before their disks are there; elsewhere this is a comment, and the init scripts mount before they start domains.
 */
export const bootOptions = (options: string): string =>
  [mountOptions(''), 'x-systemd.before=xendomains.service', ...(options === '' ? [] : [options])].join(',');

/** Without Reeve's lines for this path. */
export const withoutEntry = (text: string, path: string): string => {
  const gone = new Set(fstabEntries(text).flatMap((e) => (e.ours && e.path === path ? [e.line - 1, e.line] : [])));
  return text
    .split('\n')
    .filter((_, i) => !gone.has(i))
    .join('\n');
};

export const withEntry = (
  text: string,
  r: { readonly name: string; readonly path: string; readonly source: string; readonly options: string },
): string => {
  const rest = withoutEntry(text, r.path);
  const line = `${written(r.source)} ${written(r.path)} nfs ${bootOptions(r.options)} 0 0`;
  return `${rest}${rest === '' || rest.endsWith('\n') ? '' : '\n'}${heading}${r.name}\n${line}\n`;
};
