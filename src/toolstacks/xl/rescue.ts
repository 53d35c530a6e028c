/** What puts right what a failed operation left half made. */
import { digestBytes, digestText } from '../../core/digest.ts';
import type { Step } from '../../core/step.ts';
import type { Op } from '../../kinds/plan.ts';
import type { ServerSeen } from '../../kinds/server/live.ts';
import type { CfgRecord, Domain } from '../../kinds/vm/live.ts';
import { createArgv, createMs, destroyed, deviceMs, exec, quickMs, tried, until } from './domain-steps.ts';
import { checkPath } from './lower.ts';
import { renderCfg } from './render.ts';

const domainOf = (uuid: string, seen: ServerSeen): Domain | undefined => seen.domains.find((d) => d.uuid === uuid);

/** The very bytes that were read. */
const bytesOf = (record: CfgRecord): Uint8Array => {
  const bytes = new TextEncoder().encode(record.text);
  return digestBytes(bytes) === record.digest ? bytes : Uint8Array.from(record.text, (c) => c.charCodeAt(0));
};

/** A new cfg that would not start makes way for the old one; an edit that somebody made meanwhile is left alone. */
const oldCfg = (path: string, wrote: string | null, before: ServerSeen, now: ServerSeen): readonly Step[] => {
  const old = before.records.find((r) => r.path === path);
  const current = now.records.find((r) => r.path === path)?.digest ?? 'absent';
  if (!old || wrote === null || current !== wrote) return [];
  return [{ do: 'write', path, bytes: bytesOf(old), mode: 0o600, onlyIf: wrote }];
};

/** `before`: read before the operation; `now`: after its failure. */
export const rescue = (op: Op, before: ServerSeen, now: ServerSeen): readonly Step[] => {
  const was = domainOf(op.uuid, before);
  const domain = domainOf(op.uuid, now);
  const dom = String(domain?.domid);
  switch (op.verb) {
    case 'start': {
      // Killed in the middle, `xl create` leaves a paused domain that nobody watches; one that died at once is as useless.
      const halfMade = domain && domain.domid !== was?.domid && domain.state !== 'running';
      return halfMade ? destroyed(domain) : [];
    }
    case 'restart': {
      const check: readonly Step[] = op.write ? [{ do: 'remove', path: checkPath(op.uuid), onlyIf: 'any' }] : [];
      if (!was || domain?.domid === was.domid || domain?.state === 'running') return check;
      const text = op.write ? renderCfg(op.record.marker, op.record.config) : null;
      return [
        ...check,
        ...(domain ? destroyed(domain) : []),
        ...oldCfg(op.record.path, text?.ok ? digestText(text.text) : null, before, now),
        exec(createArgv(op.record.path, false), createMs),
        until({ is: 'domain', uuid: op.uuid, state: 'running' }, quickMs),
      ];
    }
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
    case 'define':
    case 'autostart':
    case 'stop':
    case 'pause':
    case 'unpause':
    case 'set-memory':
    case 'set-vcpus':
    case 'detach-disk':
    case 'detach-nic':
    case 'move-nic':
    case 'undefine':
      return [];
  }
};
