/** The raw answer of `observe` → one dom0 as it was seen, or why it could not be. Pure. */
import { briefly, cut } from '../../../core/json.ts';
import { isUnknown, type Unknown } from '../../../core/port.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import { diskName, isSharedGroup, isVolumeGroup, type Storage } from '../../../kinds/repository/live.ts';
import { printed, utf8 } from './bytes.ts';
import type { Asked } from './consistency.ts';
import { oddity } from './oddity.ts';
import { effective, parseCfg } from '../cfg/grammar.ts';
import { Odd } from '../cfg/values.ts';
import { domainsOf } from './domains.ts';
import { parseFrames, type Section } from './frames.ts';
import { parseLinks } from './ip-link.ts';
import { parseMonitors } from './monitors.ts';
import { qemuPaths } from './observe.ts';
import { recordsOf } from './records.ts';
import { parseRunning } from './sched.ts';
import { membershipIn, migrationIn, rollIn } from './peers.ts';
import { filesOfStorage, parseMounts, parseStores } from './storage.ts';
import { underWayIn } from './under-way.ts';
import { parseVolumes } from './volumes.ts';
import { readTar, withoutLarge, type TarEntry } from './tar.ts';
import { toldIn } from './told.ts';
import { cfgsToAsk, folderToAsk, isSecond, outsideIn, savedIn } from './second-look.ts';
import { parseXendomains } from './xendomains.ts';
import { parseInfo, parseList, type XlInfo } from './xl-info.ts';
import { misnamedIn, parseXenstore, type Xenstore } from './xenstore.ts';
import { table } from '../../../core/table.ts';

/** Killed by `timeout`. */
const killed = 137;

const unknown = (reason: Unknown['reason'], why: string, help?: string): Unknown => ({
  is: 'unknown',
  reason,
  why,
  ...(help === undefined ? {} : { help }),
});

const lastWords = (section: Section): string => printed(section.bytes).trim().split('\n').slice(-2).join('; ');

/** Why a part without which nothing can be said failed. */
const failure = (what: string, section: Section): Unknown => {
  const said = lastWords(section);
  if (section.rc === killed) return unknown('timeout', `${what} did not answer in time`);
  if (/permission denied|operation not permitted/i.test(said)) {
    return unknown('permission', `${what}: ${said}`, 'Xen answers root only: set `ssh.user: root` or `ssh.sudo: true`');
  }
  if (section.rc === 127)
    return unknown('no-xen', `${what}: ${said}`, 'install the xl toolstack, or name another server');
  if (what === 'xl info')
    return unknown(
      'no-xen',
      `Xen does not run here: ${said === '' ? 'xl info failed and said nothing' : said}`,
      'boot the server under Xen',
    );
  return unknown('unparsable', `${what} failed (exit code ${section.rc}): ${said}`);
};

/** What libxl leaves to dom0 whatever a new domain needs. */
const leastDom0 = 128 * 1024;

/** What xl would take from dom0 for a new domain, in KiB: nothing where autoballoon is off or dom0's memory is fixed. */
const reclaimable = (info: XlInfo, xlConf: string | null, dom0: number | null): number => {
  const parsed = parseCfg(xlConf ?? '');
  const setting = parsed.ok ? effective(parsed.entries).get('autoballoon') : undefined;
  const fixed = /(?:^| )dom0_mem=/.test(info.commandLine);
  const on = setting === 'on' || setting === '1' || (setting !== 'off' && setting !== '0' && !fixed);
  return on && dom0 !== null ? Math.max(0, dom0 - leastDom0) : 0;
};

/** `told`: the lines that are of no store. */
const pathsOf = (asked: readonly string[], told: readonly string[]): ServerSeen['paths'] => {
  const found: Record<string, 'there' | 'missing' | 'unknown'> = table();
  for (const path of asked) found[path] = 'unknown';
  for (const line of told) {
    const m = /^(there|missing) (.*)$/.exec(line);
    if (m?.[2] !== undefined && m[2] in found) found[m[2]] = m[1] === 'there' ? 'there' : 'missing';
  }
  return found;
};

/** Links on the way to the asked paths, and devices among these. */
const specialIn = (told: readonly string[]): Pick<ServerSeen, 'special'> => {
  const special = [...new Set(told.flatMap((l) => /^special (.*)$/.exec(l)?.[1] ?? []))];
  return special.length === 0 ? {} : { special };
};

/** By path; what was not come to has none. */
const textsOf = (asked: readonly string[], told: readonly string[]): NonNullable<ServerSeen['texts']> => {
  const paths = new Set(asked.map((p) => p.slice('text:'.length)));
  const found = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of told) {
    const [, word, rest = ''] = /^(text|line) (.*)$/s.exec(line) ?? [];
    if (word === 'line') lines.push(rest);
    if (word === 'text' && paths.has(rest)) found.set(rest, (lines = []));
  }
  return table(found);
};

/** A volume that several servers see has no node where it is not in use, and is there all the same. */
const withVolumes = (paths: ServerSeen['paths'], stores: Storage['stores']): ServerSeen['paths'] => {
  const shared = Object.entries(stores).flatMap(([folder, store]) =>
    store.is === 'there' && isSharedGroup({ stores }, folder) ? [[folder, store] as const] : [],
  );
  const has = (path: string): boolean =>
    shared.some(([folder, { disks }]) => path.startsWith(`${folder}/`) && diskName(folder, path) in disks);
  return table(Object.entries(paths).map(([path, is]) => [path, has(path) ? 'there' : is]));
};

/** A store is looked into, and a text is read. */
const isStore = (path: string): boolean => path.endsWith('/');
const isText = (path: string): boolean => path.startsWith('text:');

const dom0Memory = (xs: Xenstore): number | null => {
  const target = Number(xs.get('/local/domain/0/memory/target') ?? NaN);
  return Number.isInteger(target) ? target : null;
};

const fileText = (entries: readonly TarEntry[], name: string): string | null => {
  const found = entries.find((e) => e.name === name);
  return found?.is === 'file' ? utf8(found.bytes) : null;
};

const userdataOf = (entries: readonly TarEntry[]): ReadonlyMap<string, Uint8Array> => {
  const folder = 'var/lib/xen/';
  const found = new Map<string, Uint8Array>();
  for (const e of entries)
    if (e.is === 'file' && e.name.startsWith(folder)) found.set(e.name.slice(folder.length), e.bytes);
  return found;
};

/** A QEMU in a place of Xen's own is one for Xen, and so is one that serves a domain; others in /usr/bin may be. */
const qemuOf = (section: Section | undefined, ps: string): boolean | undefined => {
  if (!section) return undefined;
  const found = printed(section.bytes)
    .split('\n')
    .filter((l) => l !== '');
  const serving = [...ps.matchAll(/^\s*\d+ (\/\S+) .*-xen-domid /gm)].flatMap((m) => m[1] ?? []);
  // One of a known place that runs on may have been uninstalled meanwhile.
  if (serving.some((path) => found.includes(path) || !qemuPaths.includes(path))) return true;
  if (found.length === 0) return false;
  return found.some((path) => path.includes('xen')) ? true : undefined;
};

/** Of the files of /etc/xen. */
const pathsIn = (entries: readonly TarEntry[]): readonly string[] =>
  entries.flatMap((e) => (e.is === 'file' && e.name.startsWith('etc/xen/') ? [`/${e.name}`] : []));

const poolsOf = (xs: Xenstore): readonly string[] =>
  xs
    .list('/local/pool')
    .flatMap((id) => xs.get(`/local/pool/${id}/name`) ?? [])
    .sort();

interface Answer {
  readonly bytes: Uint8Array;
  readonly nonce: string;
  readonly asked: Asked;
  /** Told of each part before it is looked at. */
  readonly begin: (part: string) => void;
}

/** `asked`: the paths that were given to the text. Whatever is odd in the answer costs this server's reading, and says where. */
export const decode = (
  bytes: Uint8Array,
  nonce: string,
  asked: readonly string[],
  what?: 'all' | 'domains',
): ServerSeen | Unknown => {
  let part = 'the frames';
  const begin = (name: string): void => {
    part = `the part ${name}`;
  };
  try {
    const read = decodeParts({ bytes, nonce, asked: { what, paths: asked }, begin });
    return isUnknown(read) ? { ...read, why: cut(read.why) } : { ...read, problems: read.problems.map((p) => cut(p)) };
  } catch (e) {
    const why = e instanceof Odd ? e.why : briefly(e instanceof Error ? e.message : String(e));
    return unknown(
      'unparsable',
      `${part} of the answer cannot be understood: ${why}`,
      'Look at what the server prints there. A `reeve snapshot` keeps it.',
    );
  }
};

const decodeParts = ({ bytes, nonce, asked: whole, begin }: Answer): ServerSeen | Unknown => {
  const { paths: asked } = whole;
  const framed = parseFrames(bytes, nonce);
  if (isUnknown(framed)) return framed;
  const sections = {
    get: (name: string): Section | undefined => {
      begin(name);
      return framed.get(name);
    },
  };
  const problems: string[] = [];
  /** Nothing follows a part that was killed. */
  const lacking = (name: string): Unknown => {
    const stuck = [...framed].find(([, s]) => s.rc === killed)?.[0];
    return stuck === undefined
      ? unknown('cut-short', `the answer has no part ${name}`)
      : unknown('timeout', `${stuck} did not answer in time`);
  };
  /** A part that must be there, as it was printed. */
  const need = (name: string, what: string): string | Unknown => {
    const section = sections.get(name);
    if (!section) return lacking(name);
    return section.rc === 0 ? printed(section.bytes) : failure(what, section);
  };
  /** A part that may fail: a warning then. */
  const optional = <T>(name: string, what: string, parse: (text: string) => T | null): T | null => {
    const section = sections.get(name);
    const parsed = section?.rc === 0 ? parse(printed(section.bytes)) : null;
    if (section && parsed === null)
      problems.push(`${what} could not be read (exit code ${section.rc}): ${lastWords(section).slice(0, 200)}`);
    return parsed;
  };

  /** A part that is no loss where it failed. */
  const whatever = (name: string): string => {
    const section = sections.get(name);
    return section?.rc === 0 ? printed(section.bytes) : '';
  };

  /** Null where it is not there, or failed. */
  const printedBy = (name: string): string | null => {
    const section = sections.get(name);
    return section?.rc === 0 ? printed(section.bytes) : null;
  };

  const infoText = need('xl-info', 'xl info');
  if (isUnknown(infoText)) return infoText;
  const info = parseInfo(infoText);
  if (!info) return unknown('unparsable', 'xl info did not tell the version, the CPUs and the memory');
  const listText = need('xl-list', 'xl list');
  if (isUnknown(listText)) return listText;
  const list = parseList(listText);
  if (!list.rows.some((r) => r.domid === 0)) return unknown('unparsable', 'xl list did not list Domain-0');
  for (const line of list.odd) problems.push(`xl list: ${line.trim()}`);
  const xsText = need('xs', 'xenstore-ls');
  if (isUnknown(xsText)) return xsText;
  const xs = parseXenstore(xsText);
  const misnamed = misnamedIn(xs);
  if (misnamed) return misnamed;

  // tar ends with 1 or 2 where a file went away or was not there: what it did give is whole.
  const files = sections.get('files');
  if (!files) return lacking('files');
  if (files.rc === killed) return unknown('timeout', 'the files of /etc/xen could not be read in time');
  const archived = readTar(files.bytes);
  if ('why' in archived)
    return unknown('unparsable', `the files of /etc/xen: ${archived.why} (tar's exit code: ${files.rc})`);
  const { entries, large } = withoutLarge(archived);
  problems.push(...large);

  begin('files');
  const userdata = userdataOf(entries);
  const odd = oddity(framed, whole, { rows: list.rows, xs, userdata: new Set(userdata.keys()), ...info });
  if (odd) return odd;

  const links = optional('link', 'the network links', parseLinks);
  const processes = optional('ps', 'the processes', (text) => text);
  const monitors = processes === null ? null : parseMonitors(processes, pathsIn(archived));
  begin('files');
  const told = toldIn(sections.get('paths')?.bytes ?? new Uint8Array());
  const lines = told.get(0) ?? [];
  const outside = outsideIn(asked, sections.get('cfgs'), lines);
  const known = recordsOf(archived, monitors?.paths, outside);
  const { records, danglers } = known;
  for (const p of known.problems) problems.push(p);
  const running = parseRunning(whatever('xl-vcpus'), [whatever('xl-sched'), whatever('xl-credit')]);
  begin('files');
  const all = { rows: list.rows, xs, userdata, records, links, monitors, processes, running };
  const { domains, problems: domainProblems } = domainsOf(all);
  for (const p of domainProblems) problems.push(p);
  const ovs = sections.get('ovs');
  const ovsBridges =
    ovs?.rc === 0
      ? printed(ovs.bytes)
          .split('\n')
          .filter((l) => l !== '')
      : (links?.ovs ?? []);
  const xendomains = fileText(entries, 'etc/default/xendomains') ?? fileText(entries, 'etc/sysconfig/xendomains');
  const saved = savedIn(whatever('saved'), lines);
  const more = [...cfgsToAsk(known, monitors?.paths ?? [], list.rows), ...folderToAsk(xendomains, asked)];
  const looked = parseStores(
    told,
    asked.filter((p) => isStore(p) && !isVolumeGroup(p)),
  );
  for (const p of looked.problems) problems.push(p);
  const stores = {
    ...looked.stores,
    ...parseVolumes(
      printedBy('vgs'),
      printedBy('lvs'),
      asked.filter((p) => isStore(p) && isVolumeGroup(p)),
    ),
  };
  const [host, bootId] = printed(sections.get('host')?.bytes ?? new Uint8Array()).split('\n');
  return {
    is: 'seen',
    host: host ?? info.host,
    bootId: bootId ?? '',
    xen: { major: info.major, minor: info.minor, version: info.version, virtCaps: info.virtCaps },
    cpus: info.cpus,
    ...(info.features === undefined ? {} : { features: info.features }),
    memory: {
      total: info.total,
      free: info.free,
      reclaimable: reclaimable(info, fileText(entries, 'etc/xen/xl.conf'), dom0Memory(xs)),
    },
    scheduler: info.scheduler,
    bridges: [...new Set([...(links?.bridges ?? []), ...ovsBridges])].sort(),
    ovs: [...ovsBridges].sort(),
    cpupools: poolsOf(xs),
    qemu: qemuOf(sections.get('qemu'), processes ?? ''),
    xendomains: xendomains === null ? null : parseXendomains(xendomains),
    ...(saved.length === 0 ? {} : { saved }),
    ...(more.length === 0 ? {} : { more }),
    domains,
    records,
    ...(danglers.length === 0 ? {} : { danglers }),
    paths: withVolumes(
      pathsOf(
        asked.filter((p) => !isStore(p) && !isText(p) && !isSecond(p)),
        lines,
      ),
      stores,
    ),
    ...specialIn(lines),
    ...(asked.some(isText) ? { texts: textsOf(asked.filter(isText), lines) } : {}),
    migration: migrationIn(entries),
    membership: membershipIn(entries),
    roll: rollIn(entries),
    storage: {
      ...filesOfStorage(entries),
      mounts: parseMounts(whatever('mounts')),
      stores,
    },
    monitors: monitors?.paths ?? [],
    ...underWayIn(processes, domains),
    problems,
  };
};
