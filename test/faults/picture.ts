/** What a farm comes to in the end, as text: domains, files, stores and volumes, without what differs from run to run. */
import type { InProcessFarm } from '../../src/sim/in-process.ts';
import type { Files } from '../../src/sim/files.ts';
import type { VolumeGroup } from '../../src/sim/volumes.ts';
import { unmarked } from './history.ts';

/** The end of a new disk's name tells it from those that were made before. */
const diskName = /\b([\w.]+-(?:xvd[a-z]|seed))-[0-9a-f]{8}/g;

/**
 * Generations, boots, domids and digests count runs; what a store calls itself comes from the boot in which it was marked; and one that was
 * paused as it began has not met its backends yet.
 */
const plain = (text: string): string =>
  unmarked(text)
    .replaceAll(/"(generation|boot|domid|applied|digest)":\s*("[^"]*"|\d+)/g, '"$1":*')
    .replaceAll(/reeve\.lease=([^,/]+\/[^,/]+\/[^,/]+\/[^,/]+)\/[^,/]+\/\d+/g, 'reeve.lease=$1/*')
    .replaceAll(/reeve\.store=([^,/]+\/[^,/]+)\/[^,/]+/g, 'reeve.store=$1/*')
    .replaceAll(diskName, '$1-*')
    // What a marker says of a disk in words that it need not say.
    .replaceAll(',"format":"raw"', '')
    .replaceAll(/("repository":"[^"]*","uuid":|"path": "[^"]*",\s*"uuid": )"[^"]*"/g, '$1*');

const skipped = new Set(['/proc', '/run', '/var/lib/xen', '/tmp', '/etc/ssh']);

const walk = (files: Files, path: string, into: { set(name: string, is: string): unknown }, under: string): void => {
  for (const name of files.list(path)) {
    const at = `${path === '/' ? '' : path}/${name}`;
    if (skipped.has(at)) continue;
    const node = files.get(at);
    if (node?.is === 'dir') {
      if (files.list(at).length === 0) into.set(`${under}${at}/`, 'empty folder');
      walk(files, at, into, under);
    } else if (node?.is === 'link') into.set(`${under}${at}`, `-> ${node.target}`);
    else if (node !== undefined) {
      const text = new TextDecoder().decode(node.bytes);
      into.set(`${under}${at}`, `${node.size ?? ''} ${plain(text)}`);
    }
  }
};

/** By name: what it is. Disks of one VM and vdev are counted. */
export type Picture = ReadonlyMap<string, string>;

/** Takes several of one name, and counts them: those that say most first. */
const gatherer = (): { readonly set: (name: string, is: string) => void; readonly all: () => Picture } => {
  const found = new Map<string, string[]>();
  return {
    set: (name, is) => {
      const key = name.replaceAll(diskName, '$1-*');
      found.set(key, [...(found.get(key) ?? []), is]);
    },
    all: () =>
      new Map(
        [...found].flatMap(([key, texts]) =>
          texts
            .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
            .map((is, n) => [n === 0 ? key : `${key} #${n + 1}`, is] as const),
        ),
      ),
  };
};

/** To be taken once nothing is due. */
export const pictureOf = (farm: InProcessFarm): Picture => {
  const all = gatherer();
  for (const [source, { files }] of farm.exports) walk(files, '/', all, source);
  const groups = new Map<string, VolumeGroup>([...farm.groups].map(([name, g]) => [`shared ${name}`, g]));
  for (const [server, { world }] of farm.dom0s) {
    // Without what is mounted: that was seen where it is.
    const own = world.files.copy((e) => e);
    for (const mount of own.mounts.toReversed()) own.unmount(mount);
    walk(own, '/', all, `${server}:`);
    all.set(`${server} mounts`, world.files.mounts.map((m) => `${m.source} ${m.path}`).join('\n'));
    for (const [name, g] of world.groups) if (!farm.groups.has(name)) groups.set(`${server} ${name}`, g);
    for (const d of world.domains.values()) {
      const disks = d.disks.map((x) => `${x.vdev} ${x.path} ${x.readwrite ? 'rw' : 'ro'} ${d.paused ? '' : x.back}`);
      const nics = d.nics.map((n) => `${n.mac} ${n.master} ${n.rate} ${d.paused ? '' : n.back}`);
      const state = d.ended ?? (d.leaving ? 'leaving' : d.paused ? 'paused' : d.built ? 'running' : 'half built');
      all.set(
        `${server} domain ${d.name ?? d.uuid}`,
        plain([state, d.uuid, d.targetKiB, d.wantVcpus, d.weight, d.cap, ...disks, ...nics].join('\n')),
      );
    }
    const controls = [...world.monitors.values()].map((m) => m.cfg.replace(/^.*\//, ''));
    all.set(`${server} monitors`, String(controls.length));
  }
  for (const [name, g] of groups) {
    all.set(name, plain([...g.tags].sort().join(',')));
    for (const [volume, v] of g.volumes)
      all.set(`${name} ${volume}`, `${v.sizeKiB} ${plain([...v.tags].sort().join(','))} ${v.auto}`);
  }
  return all.all();
};

/** What differs, a line each; empty where nothing does. */
export const differences = (wanted: Picture, is: Picture): readonly string[] => {
  const names = [...new Set([...wanted.keys(), ...is.keys()])].sort();
  return names.flatMap((name) => {
    const [a, b] = [wanted.get(name), is.get(name)];
    if (a === b) return [];
    if (b === undefined) return [`lacks ${name}`];
    if (a === undefined) return [`has besides ${name}: ${b.slice(0, 200)}`];
    const at = Array.from({ length: a.length }, (_, i) => i).findIndex((i) => a[i] !== b[i]);
    const from = Math.max(0, (at < 0 ? a.length : at) - 40);
    return [
      `${name} is …${JSON.stringify(b.slice(from, from + 120))}, not …${JSON.stringify(a.slice(from, from + 120))}`,
    ];
  });
};

/** Whether some disk of the farm ends with these bytes. */
export const holdsBytes = (farm: InProcessFarm): ((tag: string) => boolean) => {
  const texts: string[] = [];
  const gather = (files: Files, path: string): void => {
    for (const name of files.list(path)) {
      const at = `${path === '/' ? '' : path}/${name}`;
      const node = files.get(at);
      if (node?.is === 'dir') gather(files, at);
      else if (node?.is === 'file' && node.bytes.length < 65_536) texts.push(new TextDecoder().decode(node.bytes));
    }
  };
  for (const { files } of farm.exports.values()) gather(files, '/');
  for (const { world } of farm.dom0s.values()) {
    const own = world.files.copy((e) => e);
    for (const mount of own.mounts.toReversed()) own.unmount(mount);
    gather(own, '/');
    for (const g of world.groups.values())
      for (const v of g.volumes.values()) texts.push(new TextDecoder().decode(v.kept));
  }
  const marks = new Set(texts.flatMap((t) => (t.includes('|') ? [t.slice(t.indexOf('|') + 1)] : [])));
  return (tag) => marks.has(tag);
};
