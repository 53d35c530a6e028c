/** What puts right what a failed operation left half made. */
import { digestText } from '../../../core/digest.ts';
import type { Step } from '../../../core/step.ts';
import { isVmOp } from '../../../kinds/operations.ts';
import type { Op } from '../../../kinds/plan.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import type { Peers } from '../../../kinds/toolstack.ts';
import type { CfgRecord, Domain } from '../../../kinds/vm/live.ts';
import type { CfgDraft } from '../../../kinds/vm/ops.ts';
import { createArgv, createMs, destroyed, deviceMs, exec, quickMs, tried, until, wakeArgvs } from './domain-steps.ts';
import { checkPath, written } from './cfg.ts';
import { ungrown, unmade } from './disk.ts';
import { removeHalfArgv } from './half.ts';
import { bytesOf, renderWith } from '../cfg/render.ts';

const domainOf = (uuid: string, seen: ServerSeen): Domain | undefined => seen.domains.find((d) => d.uuid === uuid);

const recordAt = (path: string, seen: ServerSeen): CfgRecord | undefined => seen.records.find((r) => r.path === path);

/** The digest of the new cfg where it stands there, untouched since it was written; null where it does not. */
const stands = ({ path, marker, config }: CfgDraft, now: ServerSeen): string | null => {
  const current = recordAt(path, now);
  // Its passwords are in itself.
  const text = renderWith(marker, config, null, current);
  return text.ok && current?.exact === digestText(text.text) ? current.exact : null;
};

/** A cfg of a new name goes again where the old one could not be removed: a VM has one. */
const oneName = (record: CfgDraft, now: ServerSeen): readonly Step[] => {
  const wrote = record.from && recordAt(record.from.path, now) ? stands(record, now) : null;
  return wrote === null ? [] : [{ do: 'remove', path: record.path, onlyIf: wrote }];
};

/**
 * A new cfg that would not start makes way for the old one; an edit that somebody made meanwhile is left alone. `path`: what
 * is to be started then.
 */
const oldCfg = (
  record: CfgDraft,
  before: ServerSeen,
  now: ServerSeen,
): { readonly steps: readonly Step[]; readonly path: string } => {
  const { path, from } = record;
  const old = recordAt(from?.path ?? path, before);
  const wrote = stands(record, now);
  if (!old || wrote === null) return { steps: [], path };
  if (!from) return { steps: [written(path, bytesOf(old), wrote)], path };
  const back = recordAt(from.path, now) ? [] : [written(from.path, bytesOf(old), 'absent')];
  return { steps: [...back, { do: 'remove', path, onlyIf: wrote }], path: from.path };
};

const isSaved = (uuid: string, { storage }: ServerSeen): boolean =>
  Object.values(storage.stores).some((s) => s.is === 'there' && s.saved.includes(uuid));

/** `before`: read before the operation; `now`: after its failure. */
export const rescue = (op: Op, before: ServerSeen, now: ServerSeen): readonly Step[] => {
  // What was mounted and not marked is taken up by the next run.
  if (!isVmOp(op)) return [];
  const was = domainOf(op.uuid, before);
  const domain = domainOf(op.uuid, now);
  const dom = String(domain?.domid);
  // Killed in the middle, `xl create` leaves a paused domain that nobody watches; one that died at once is as useless.
  const halfMade = domain && domain.domid !== was?.domid && domain.state !== 'running' ? destroyed(domain) : [];
  switch (op.verb) {
    case 'define':
      return oneName(op.record, now);
    case 'make-disk':
      return unmade(op, now);
    case 'grow-disk':
      return ungrown(op, now);
    case 'start':
      return halfMade;
    case 'restart': {
      const copies = op.copies.flatMap((c) => unmade(c, now));
      const check: readonly Step[] = op.write ? [{ do: 'remove', path: checkPath(op.uuid), onlyIf: 'any' }] : [];
      if (domain?.domid === was?.domid) return [...check, ...(op.write ? oneName(op.record, now) : [])];
      if (!was || domain?.state === 'running') return [...check, ...halfMade];
      const back = op.write ? oldCfg(op.record, before, now) : { steps: [], path: op.record.path };
      return [
        ...check,
        ...copies,
        ...halfMade,
        ...back.steps,
        exec(createArgv(back.path, false), createMs),
        until({ is: 'domain', uuid: op.uuid, state: 'running' }, quickMs),
      ];
    }
    case 'resume':
      // Once its image is gone, the paused domain is all that is left of its memory.
      return isSaved(op.uuid, now) ? halfMade : [];
    case 'suspend':
      // Saved, it waits for its image's name: without that it goes on where it is.
      return domain?.domid === was?.domid && domain?.state === 'paused'
        ? [exec(removeHalfArgv(op.file)), ...wakeArgvs(op.file, dom).map((argv) => exec(argv))]
        : [];
    case 'attach-disk': {
      const { vdev, uuid } = op;
      const left = domain?.disks.some((k) => k.vdev === vdev) && !was?.disks.some((k) => k.vdev === vdev);
      if (!left) return [];
      // What never connected cannot be let go by the guest; forced, xl fails as well, but the disk is gone.
      return [
        tried(['xl', 'block-detach', '--force', dom, vdev], deviceMs),
        until({ is: 'no-disk', uuid, vdev }, quickMs),
      ];
    }
    case 'attach-nic': {
      const { mac, uuid } = op;
      const ghosts = was?.nics.some((n) => n.mac === mac) ? [] : (domain?.nics.filter((n) => n.mac === mac) ?? []);
      if (ghosts.length === 0) return [];
      return [
        ...ghosts.map((n) => tried(['xl', 'network-detach', dom, String(n.devid)], deviceMs)),
        until({ is: 'no-nic', uuid, mac }, quickMs),
      ];
    }
    case 'migrate':
    case 'discard':
    case 'drop-image':
    case 'settle':
    case 'activate':
    case 'deactivate':
    case 'unlease':
    case 'autostart':
    case 'stop':
    case 'pause':
    case 'unpause':
    case 'ready':
    case 'make-seed':
    case 'adopt-disk':
    case 'set-memory':
    case 'set-vcpus':
    case 'set-sched':
    case 'set-affinity':
    case 'set-cpupool':
    case 'rename':
    case 'change-cd':
    case 'detach-disk':
    case 'detach-nic':
    case 'move-nic':
    case 'release':
    case 'forget':
    case 'undefine':
      return [];
  }
};

/** Both ends are looked at, and nothing is started: only a person can tell which of two halves is whole. */
export const verdict = (op: Op, now: ServerSeen, peers: Peers): string | null => {
  if (!isVmOp(op) || op.verb !== 'migrate') return null;
  const there = peers.get(op.peer);
  const here = domainOf(op.uuid, now);
  if (!there) return `${op.peer} could not be read: nobody knows whether it is there, so that nothing is started`;
  const other = domainOf(op.uuid, there);
  const monitor = here?.monitored === false ? '; it lost its xl monitor, and a restart gives it one' : '';
  if (here && !other) return `it is on ${op.server} as before${monitor}`;
  if (other && !here) return `it is on ${op.peer}: plan again, and it is taken in there`;
  if (here && other) {
    return `it is on ${op.server} (domain ${here.domid}, ${here.name}) and on ${op.peer} (domain ${other.domid}, ${other.name}): look which one works, and xl destroy the other`;
  }
  return `it is on neither ${op.server} nor ${op.peer}: what it had in memory is gone; plan again to start it`;
};
