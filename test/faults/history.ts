/** One history of all dom0s, looked at after every event: no VM runs twice, no disk has two writers; and guests that write what must not be lost. */
import type { Dom0 } from '../../src/sim/dom0.ts';
import type { InProcessFarm } from '../../src/sim/in-process.ts';
import { mountOver } from '../../src/sim/mounts.ts';
import type { Domain } from '../../src/sim/world.ts';

export interface History {
  /** What must never be, in the order in which it was. */
  readonly harm: readonly string[];
  /** By UUID: how often it was booted, where its memory was lost or had never been. */
  readonly boots: ReadonlyMap<string, number>;
  /** By UUID and vdev: what its guest wrote last. */
  readonly written: ReadonlyMap<string, string>;
  /** Domains as they came, ran and went. */
  readonly told: readonly string[];
  readonly end: () => void;
}

/** Its vCPUs run: it may write. */
const runs = (d: Domain): boolean => d.built && !d.paused && d.ended === null && !d.leaving;

/** The same disk has the same name on every dom0. */
const diskName = (farm: InProcessFarm, server: string, { world }: Dom0, path: string): string => {
  const mount = mountOver(world.files.mounts, path);
  if (mount !== undefined) return `${mount.source}${path.slice(mount.path.length)}`;
  const [, group = ''] = /^\/dev\/([^/]+)\//.exec(path) ?? [];
  return farm.groups.has(group) ? path : `${server}:${path}`;
};

/** What stands before the mark is kept: a template's bytes, or nothing. */
const mark = '|';
export const unmarked = (text: string): string => text.split(mark)[0] ?? '';

const write = ({ world }: Dom0, path: string, tag: string): void => {
  const node = world.files.resolve(path);
  if (node?.is !== 'file') return;
  const at = node.bytes.indexOf(mark.charCodeAt(0));
  const base = at < 0 ? node.bytes : node.bytes.subarray(0, at);
  world.files.write(
    path,
    Uint8Array.from([...base, ...new TextEncoder().encode(`${mark}${tag}`)]),
    node.mode,
    node.size,
  );
};

interface Life {
  readonly server: string;
  readonly dom0: Dom0;
  readonly domain: Domain;
}

/** `before`: of an earlier part of the same history. */
export const watch = (farm: InProcessFarm, before?: History): History => {
  const harm: string[] = [...(before?.harm ?? [])];
  const boots = new Map<string, number>(before?.boots);
  const written = new Map<string, string>(before?.written);
  const told: string[] = [...(before?.told ?? [])];
  const seen = new Set<Domain>();
  let running = new Map<Domain, Life>();
  let writes = (before?.told.length ?? 0) * 1000;

  const put = ({ dom0, domain }: Life): void => {
    for (const d of domain.disks.filter((x) => x.readwrite && !x.cdrom)) {
      const key = `${domain.uuid}/${d.vdev}`;
      const tag = `${key}/${(writes += 1)}`;
      write(dom0, d.path, tag);
      written.set(key, tag);
    }
  };
  const say = (text: string): void => {
    told.push(`${farm.time.now()} ${text}`);
  };
  const accuse = (text: string): void => {
    if (!harm.includes(text)) harm.push(text);
  };

  /** Judges who runs now. */
  const judge = (lives: readonly Life[]): void => {
    const servers = new Map<string, string>();
    const writers = new Map<string, string>();
    for (const { server, dom0, domain } of lives) {
      const here = `${domain.name ?? domain.uuid} on ${server}`;
      const other = servers.get(domain.uuid);
      if (other !== undefined) accuse(`runs twice: ${other} and ${here}`);
      servers.set(domain.uuid, here);
      for (const d of domain.disks.filter((x) => x.readwrite && !x.cdrom)) {
        const disk = diskName(farm, server, dom0, d.path);
        const by = writers.get(disk);
        if (by !== undefined) accuse(`${disk} is written by ${by} and ${here}`);
        writers.set(disk, here);
        if (!dom0.world.files.exists(d.path)) accuse(`${here} runs, and its disk ${disk} is gone`);
      }
    }
  };

  const look = (): void => {
    const lives: Life[] = [];
    for (const [server, dom0] of farm.dom0s)
      for (const domain of dom0.world.domains.values()) if (runs(domain)) lives.push({ server, dom0, domain });
    const now = new Map(lives.map((l) => [l.domain, l] as const));
    if (now.size === running.size && [...now.keys()].every((d) => running.has(d))) return;
    for (const [domain, life] of running) {
      if (now.has(domain)) continue;
      say(
        `${domain.uuid.slice(0, 8)} ${domain.config.name} stops on ${life.server} (${domain.ended ?? (domain.leaving ? 'leaving' : 'paused')})`,
      );
      // What goes with its dom0 writes nothing more, nor does what is suspended.
      const gone = life.dom0.world.domains.get(domain.domid) !== domain;
      if (!gone && domain.ended !== 'suspend' && (domain.ended !== null || domain.leaving)) put(life);
    }
    for (const life of lives) {
      if (running.has(life.domain)) continue;
      const { domain, server } = life;
      say(`${domain.uuid.slice(0, 8)} ${domain.name} runs on ${server}`);
      if (!seen.has(domain) && !domain.booted) {
        boots.set(domain.uuid, (boots.get(domain.uuid) ?? 0) + 1);
        put(life);
      }
      seen.add(domain);
    }
    running = now;
    judge(lives);
  };
  // Those that run already were booted by somebody else.
  for (const { world } of farm.dom0s.values()) for (const d of world.domains.values()) if (runs(d)) seen.add(d);
  look();
  farm.watchers.add(look);
  return { harm, boots, written, told, end: () => farm.watchers.delete(look) };
};
