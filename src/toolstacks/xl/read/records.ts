/** The files of /etc/xen → cfg records, with what leads to each from /etc/xen/auto. */
import { digestBytes } from '../../../core/digest.ts';
import { sortedBy } from '../../../core/order.ts';
import type { Dangler } from '../../../kinds/server/live.ts';
import type { CfgRecord } from '../../../kinds/vm/live.ts';
import type { CfgValue } from '../../../kinds/vm/spec.ts';
import { latin1, utf8 } from './bytes.ts';
import { effective, parseCfg } from '../cfg/grammar.ts';
import { coveredConfig } from '../cfg/covered.ts';
import { vmOfCfg } from '../cfg/vm.ts';
import { readMarker } from '../cfg/marker.ts';
import type { TarEntry } from './tar.ts';
import { digestCfg } from './mask.ts';
import { isOddName } from './told.ts';

const auto = '/etc/xen/auto/';

const isAscii = (value: CfgValue): boolean =>
  typeof value === 'string' ? /^[\x00-\x7f]*$/.test(value) : value.every(isAscii);

/** One cfg, parsed as far as it can be. Bytes that are no UTF-8 may stand in comments, not in values. */
const recordOf = (path: string, bytes: Uint8Array, autostart: readonly string[]): CfgRecord => {
  const whole = utf8(bytes);
  const text = whole ?? latin1(bytes);
  const base = { path, text, digest: digestCfg(bytes), exact: digestBytes(bytes), autostart };
  const odd = (problem: string): CfgRecord => ({ ...base, config: undefined, problem, marker: null });
  const parsed = parseCfg(text);
  if (!parsed.ok) {
    const { line, column, message } = parsed.error;
    return odd(`${path}:${line}:${column}: ${message}`);
  }
  const settings = effective(parsed.entries);
  const foreign = whole === null ? [...settings].find(([, value]) => !isAscii(value)) : undefined;
  if (foreign) return odd(`${path}: the value of ${foreign[0]} is not UTF-8`);
  const vm = vmOfCfg(settings);
  if (!vm.ok) return odd(`${path}: ${vm.why}`);
  return { ...base, config: coveredConfig(vm.config), problem: undefined, marker: readMarker(text, vm.config.uuid) };
};

/** `/etc/xen/auto/../x.cfg` → `/etc/xen/x.cfg`. */
const normal = (path: string): string => {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
};

const folder = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

/** Where a path leads over links, through what was read. */
const followed = (path: string, links: ReadonlyMap<string, string>): string => {
  let at = path;
  for (let hops = 0; hops < 8; hops++) {
    const target = links.get(at);
    if (target === undefined) return at;
    at = normal(target.startsWith('/') ? target : folder(at) + target);
  }
  return at;
};

const sameVm = (a: CfgRecord, b: CfgRecord): boolean =>
  a.config !== undefined &&
  b.config !== undefined &&
  (a.config.uuid === null && b.config.uuid === null
    ? a.config.name === b.config.name
    : a.config.uuid === b.config.uuid);

/**
 * By path. A record is a `.cfg`, or what a link in /etc/xen/auto leads to, or what Reeve marked. A plain copy in
 * /etc/xen/auto of another record counts as a link to it. `problems`: what could not be followed, in words.
 */
export const recordsOf = (
  entries: readonly TarEntry[],
): {
  readonly records: readonly CfgRecord[];
  readonly danglers: readonly Dangler[];
  readonly problems: readonly string[];
} => {
  const files = new Map<string, Uint8Array>();
  const links = new Map<string, string>();
  const problems: string[] = [];
  for (const e of entries) {
    const path = `/${e.name}`;
    if (!path.startsWith('/etc/xen/')) continue;
    if (isOddName(path)) {
      problems.push(`${JSON.stringify(path)} was not read: its name has a control character`);
      continue;
    }
    if (e.is === 'file') files.set(path, e.bytes);
    else if (e.is === 'link') links.set(path, e.target);
  }
  const danglers: Dangler[] = [];
  const starts = new Map<string, string[]>();
  const vias = new Map<string, string>();
  for (const link of links.keys()) {
    const end = followed(link, links);
    // Over a shared repository, which leads back here: it is not part of this reading.
    const through = /\/autostart\/[^/]+(\/[^/]+\.cfg)$/.exec(end)?.[1];
    const target = through === undefined || end.startsWith('/etc/xen/') ? end : `/etc/xen${through}`;
    if (target !== end && link.startsWith(auto)) vias.set(target, end);
    if (link.startsWith(auto)) starts.set(target, [...(starts.get(target) ?? []), link]);
    if (files.has(target) || !(link.startsWith(auto) || link.endsWith('.cfg'))) continue;
    if (link.startsWith(auto)) danglers.push({ link, target, ...(target === end ? {} : { via: end }) });
    problems.push(
      target.startsWith('/etc/xen/')
        ? `${link} leads to ${target}, which is not there`
        : `${link} leads to ${target}, outside of /etc/xen: it was not read`,
    );
  }
  const marked = new TextEncoder().encode('# reeve: ');
  const isRecord = (path: string, bytes: Uint8Array): boolean =>
    path.endsWith('.cfg') || starts.has(path) || marked.every((b, i) => bytes[i] === b);
  const records: CfgRecord[] = [];
  const copies: CfgRecord[] = [];
  for (const [path, bytes] of files) {
    if (path.startsWith(auto)) copies.push(recordOf(path, bytes, [path]));
    else if (isRecord(path, bytes)) {
      const via = vias.get(path);
      const record = recordOf(path, bytes, (starts.get(path) ?? []).sort());
      records.push(via === undefined ? record : { ...record, via });
    }
  }
  for (const copy of copies) {
    const i = records.findIndex((r) => sameVm(r, copy));
    const original = records[i];
    if (original) records[i] = { ...original, autostart: [...original.autostart, copy.path].sort() };
    else records.push(copy);
  }
  return { records: sortedBy(records, (r) => r.path), danglers, problems };
};
