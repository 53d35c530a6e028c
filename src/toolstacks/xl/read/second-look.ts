/** What one reading comes upon and does not look at: cfgs outside of /etc/xen, and a folder of xendomains' own. Pure. */
import { isCfgElsewhere, isCfgOfXen } from '../../../kinds/vm/cfg-path.ts';
import type { CfgRecord } from '../../../kinds/vm/live.ts';
import type { Section } from './frames.ts';
import type { ListRow } from './xl-info.ts';
import type { Outside, Records } from './records.ts';
import { readTar } from './tar.ts';
import { otherFolder, usualFolder } from './xendomains.ts';

const cfg = 'cfg:';
const folder = 'dir:';

/** Whether it is one of the words that a second reading is asked for. */
export const isSecond = (asked: string): boolean => asked.startsWith(cfg) || asked.startsWith(folder);

/** So many cfgs are looked at, and their paths are no longer than this all together: they travel in a command line. */
const most = 200;
const mostLength = 16 * 1024;

/** `told`: the lines that are of no store. */
export const outsideIn = (asked: readonly string[], section: Section | undefined, told: readonly string[]): Outside => {
  const archived = section && section.bytes.length > 0 ? readTar(section.bytes) : [];
  const entries = 'why' in archived ? [] : archived;
  const found = new Map<string, Uint8Array>(
    entries.flatMap((e) => (e.is === 'file' ? [[`/${e.name}`, e.bytes] as const] : [])),
  );
  const cut = section?.rc !== 0 || 'why' in archived;
  const lines = new Set(told);
  const paths = asked.flatMap((a) => (a.startsWith(cfg) ? [a.slice(cfg.length)] : []));
  return new Map(
    paths.map((path) => {
      const missing = lines.has(`missing ${path}`) ? 'missing' : lines.has(`there ${path}`) && !cut ? 'odd' : 'late';
      return [path, found.get(path) ?? missing] as const;
    }),
  );
};

/**
 * Which of the cfgs elsewhere may matter: those that start with the server, and what monitors were given where they are more than the
 * domains whose own cfg has none: a cfg that has moved into /etc/xen is still named by its monitor, until the VM is started anew.
 */
export const cfgsToAsk = (
  { records, elsewhere, danglers }: Records,
  monitors: readonly string[],
  rows: readonly ListRow[],
): readonly string[] => {
  const linked = elsewhere.filter((p) => danglers.some((d) => d.target === p));
  const started = elsewhere.filter((p) => monitors.includes(p));
  const isOf = (r: CfgRecord, row: ListRow): boolean =>
    r.config?.uuid === row.uuid || (r.config?.uuid === null && r.config.name === row.name);
  const explained = rows.filter((row) => {
    const own = records.filter((r) => isOf(r, row));
    return row.domid !== 0 && own.length > 0 && !own.some((r) => monitors.includes(r.path));
  });
  const wanted = started.length > explained.length ? [...linked, ...started] : linked;
  let left = mostLength;
  return [...new Set(wanted)]
    .filter((path) => isCfgElsewhere(path) || isCfgOfXen(path))
    .filter((path) => (left -= path.length + cfg.length + 3) >= 0)
    .slice(0, most)
    .map((path) => `${cfg}${path}`);
};

/** Undefined: that folder was asked for already, or is the usual one. */
export const folderToAsk = (settings: string | null, asked: readonly string[]): readonly string[] => {
  const other = otherFolder(settings);
  return other === null || asked.includes(`${folder}${other}`) ? [] : [`${folder}${other}`];
};

/** Paths of the images in the usual folder and in those that were asked for. */
export const savedIn = (usual: string, told: readonly string[]): readonly string[] => {
  const out = usual.split('\n').flatMap((name) => (name === '' ? [] : [`${usualFolder}/${name}`]));
  let at: string | null = null;
  for (const line of told) {
    const [, word, rest = ''] = /^(dir|file|text|line|there|missing) (.*)$/s.exec(line) ?? [];
    if (word === 'dir') at = rest;
    else if (word === 'file' && at !== null) out.push(`${at}/${rest}`);
    else if (word !== undefined) at = null;
  }
  return out;
};
