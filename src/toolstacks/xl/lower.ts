/** Operation → what must hold before, the steps, what must hold after. Domids come from the reading, by UUID. */
import { digestText } from '../../core/digest.ts';
import type { Condition, Lowered, Step } from '../../core/step.ts';
import type { Op } from '../../kinds/plan.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { Domain } from '../../kinds/vm/live.ts';
import type { VmConfig } from '../../kinds/vm/spec.ts';
import { writeDisk } from './disk-string.ts';
import { createArgv, createMs, destroyed, deviceMs, exec, gone, quickMs, takenDown } from './domain-steps.ts';
import { memoryNeed } from './memory-need.ts';
import { renderCfg } from './render.ts';

type Unsupported = { readonly unsupported: string };

const up = (uuid: string): Condition => ({ is: 'domain', uuid, state: 'up' });

/** Files that a VM of this configuration is started from. */
const filesOf = (c: VmConfig): readonly string[] =>
  [c.boot.kernel, c.boot.ramdisk, ...Object.values(c.disks).map((d) => d.path)].filter(
    (p): p is string => p !== null && p.startsWith('/'),
  );

/** What a reading must be asked for, so that `lower`'s conditions can be decided. */
export const pathsOf = (op: Op): readonly string[] => {
  if (op.verb === 'start') return [op.path, ...filesOf(op.config)];
  if (op.verb === 'restart') return filesOf(op.record.config);
  return op.verb === 'attach-disk' ? [op.disk.path] : [];
};

/** Where a new cfg is tried before it is written to its place. */
export const checkPath = (uuid: string): string => `/run/reeve/check-${uuid}.cfg`;

export const autostartLink = (path: string): string => `/etc/xen/auto/${path.slice(path.lastIndexOf('/') + 1)}`;

/** A start finds its files, its bridges, its name and enough memory; `back`: what is given back first, in KiB. */
const canStart = (op: Op, c: VmConfig, seen: ServerSeen, back: number): readonly Condition[] => [
  { is: 'name-free', name: c.name, uuid: op.uuid },
  ...filesOf(c).map((path): Condition => ({ is: 'path', path })),
  ...c.nics.flatMap((n): readonly Condition[] => (n.bridge === null ? [] : [{ is: 'bridge', name: n.bridge }])),
  { is: 'room', kib: Math.max(0, memoryNeed(c) - seen.memory.reclaimable - back) },
];

const written = (path: string, text: string, onlyIf: string): Step => ({
  do: 'write',
  path,
  bytes: new TextEncoder().encode(text),
  mode: 0o600,
  onlyIf,
});

const nothingToDo = (after: readonly Condition[]): Lowered => ({ before: [], steps: [], after, afterMs: quickMs });

/** `seen` was read just before. */
export const lower = (op: Op, seen: ServerSeen): Lowered | Unsupported => {
  const domain = seen.domains.find((d) => d.uuid === op.uuid);

  /** For operations on a domain that is up. */
  const onDomain = (
    before: readonly Condition[],
    steps: (d: Domain, dom: string) => readonly Step[],
    after: readonly Condition[],
    afterMs: number,
  ): Lowered => ({
    before: [up(op.uuid), ...before],
    steps: domain ? steps(domain, String(domain.domid)) : [],
    after,
    afterMs,
  });

  switch (op.verb) {
    case 'define': {
      const { path, marker, config, replaces } = op.record;
      const text = renderCfg(marker, config);
      if (!text.ok) return { unsupported: `${path} cannot be written: ${text.why}` };
      const handed = op.update && domain ? [exec(['xl', 'config-update', String(domain.domid), path])] : [];
      return {
        before: [],
        steps: [written(path, text.text, replaces), ...handed],
        after: [{ is: 'record', path, digest: digestText(text.text) }],
        afterMs: quickMs,
      };
    }
    case 'autostart': {
      const steps = op.on
        ? [exec(['mkdir', '-p', '/etc/xen/auto']), exec(['ln', '-sfn', op.path, autostartLink(op.path)])]
        : op.links.map((link) => exec(['rm', '-f', link]));
      return { before: [], steps, after: [{ is: 'autostart', path: op.path, on: op.on }], afterMs: quickMs };
    }
    case 'start': {
      const ended = domain?.state === 'shutdown' || domain?.state === 'crashed';
      const clear = op.clear && domain && ended ? destroyed(domain) : [];
      return {
        before: [
          clear.length > 0 ? { is: 'domain', uuid: op.uuid, state: 'ended' } : gone(op.uuid),
          { is: 'path', path: op.path },
          ...canStart(op, op.config, seen, clear.length > 0 ? (domain?.memory.actual ?? 0) : 0),
        ],
        steps: [...clear, exec(createArgv(op.path, op.paused), createMs)],
        after: [{ is: 'domain', uuid: op.uuid, state: op.paused ? 'paused' : 'running' }],
        afterMs: quickMs,
      };
    }
    case 'stop':
      if (!domain) return nothingToDo([gone(op.uuid)]);
      return {
        before: [],
        steps: takenDown(domain, op.deadlineMs, op.force),
        after: [gone(op.uuid)],
        afterMs: quickMs,
      };
    case 'restart': {
      const { path, marker, config, replaces } = op.record;
      const text = renderCfg(marker, config);
      if (!text.ok) return { unsupported: `${path} cannot be written: ${text.why}` };
      const check = checkPath(op.uuid);
      const checked: readonly Step[] = op.write
        ? [
            written(check, text.text, 'any'),
            exec(['xl', '-N', 'create', check]),
            { do: 'remove', path: check, onlyIf: 'any' },
            written(path, text.text, replaces),
          ]
        : [exec(['xl', '-N', 'create', path])];
      return {
        before: canStart(op, config, seen, domain?.memory.actual ?? 0),
        steps: [
          ...checked,
          ...(domain ? takenDown(domain, op.deadlineMs, op.force) : []),
          exec(createArgv(path, false), createMs),
        ],
        after: [{ is: 'domain', uuid: op.uuid, state: 'running' }],
        afterMs: quickMs,
      };
    }
    case 'pause':
    case 'unpause':
      return onDomain(
        [],
        (_, dom) => [exec(['xl', op.verb, dom])],
        [{ is: 'domain', uuid: op.uuid, state: op.verb === 'pause' ? 'paused' : 'running' }],
        quickMs,
      );
    case 'set-memory': {
      const more = domain ? op.kib - domain.memory.actual : 0;
      // A paused guest cannot balloon before it goes on.
      const reached: readonly Condition[] =
        domain?.state === 'paused' ? [] : [{ is: 'memory', uuid: op.uuid, kib: op.kib }];
      return onDomain(
        more > 0 ? [{ is: 'room', kib: more }] : [],
        (_, dom) => [exec(['xl', 'mem-set', dom, `${op.kib / 1024}m`])],
        reached,
        deviceMs,
      );
    }
    case 'set-vcpus': {
      const beyond = op.count > seen.cpus ? ['-i'] : [];
      return onDomain(
        [],
        (_, dom) => [exec(['xl', 'vcpu-set', ...beyond, dom, String(op.count)])],
        [{ is: 'vcpus', uuid: op.uuid, online: op.count }],
        deviceMs,
      );
    }
    case 'attach-disk': {
      const { vdev, uuid, disk } = op;
      const spec = writeDisk(vdev, disk);
      if (spec === null) return { unsupported: `xl's disk syntax cannot name ${disk.path}` };
      return onDomain(
        [
          { is: 'path', path: disk.path },
          { is: 'no-disk', uuid, vdev },
        ],
        (_, dom) => [exec(['xl', 'block-attach', dom, spec], deviceMs)],
        [{ is: 'disk', uuid, vdev, path: disk.path, access: disk.access }],
        quickMs,
      );
    }
    case 'detach-disk': {
      const { vdev, uuid } = op;
      const disk = domain?.disks.find((k) => k.vdev === vdev);
      if (disk && disk.path !== op.path) return { unsupported: `${vdev} is ${disk.path} by now, not ${op.path}` };
      return onDomain(
        [],
        (_, dom) => (disk ? [exec(['xl', 'block-detach', dom, vdev], deviceMs)] : []),
        [{ is: 'no-disk', uuid, vdev }],
        quickMs,
      );
    }
    case 'attach-nic': {
      const { mac, bridge, uuid } = op;
      return onDomain(
        [
          { is: 'bridge', name: bridge },
          { is: 'no-nic', uuid, mac },
        ],
        (_, dom) => [exec(['xl', 'network-attach', dom, `mac=${mac}`, `bridge=${bridge}`], deviceMs)],
        [{ is: 'nic', uuid, mac, bridge }],
        quickMs,
      );
    }
    case 'detach-nic': {
      const nic = domain?.nics.find((n) => n.mac === op.mac);
      return onDomain(
        [],
        (_, dom) => (nic ? [exec(['xl', 'network-detach', dom, String(nic.devid)], deviceMs)] : []),
        [{ is: 'no-nic', uuid: op.uuid, mac: op.mac }],
        quickMs,
      );
    }
    case 'move-nic': {
      const { mac, bridge, uuid } = op;
      const nic = domain?.nics.find((n) => n.mac === mac);
      if (domain && !nic) return { unsupported: `${domain.name} has no vif with the MAC ${mac} any more` };
      return onDomain(
        [{ is: 'bridge', name: bridge }],
        (_, dom) => (nic ? [exec(['ip', 'link', 'set', 'dev', `vif${dom}.${nic.devid}`, 'master', bridge])] : []),
        [{ is: 'nic', uuid, mac, bridge }],
        quickMs,
      );
    }
    case 'undefine':
      return {
        before: [gone(op.uuid)],
        steps: [
          ...op.links.map((link) => exec(['rm', '-f', link])),
          { do: 'remove', path: op.path, onlyIf: op.digest },
        ],
        after: [{ is: 'record', path: op.path, digest: 'absent' }],
        afterMs: quickMs,
      };
  }
};
