/** What an operation is called, why it is done, and how long it takes as a rule: for the plan's reader. */
import type { Disruption } from '../../core/disruption.ts';
import { formatSize } from '../../core/quantity.ts';
import type { MakeDisk, VmOp } from './ops.ts';

/** Unique within a plan, stable between plans. */
export const idOf = (op: VmOp): string => {
  const base = `${op.vm.name}/${op.verb}`;
  if ('vdev' in op) return `${base}/${op.vdev}`;
  if (op.verb === 'forget' || op.verb === 'discard' || op.verb === 'activate' || op.verb === 'deactivate')
    return `${base}/${op.server}`;
  if (op.verb === 'unlease') return `${base}${op.folder}`;
  if (op.verb === 'migrate') return `${base}/${op.peer}`;
  return 'nic' in op ? `${base}/${op.nic.replace(/^mac /, '')}` : base;
};

const sourceText = ({ from }: MakeDisk): string =>
  from === null ? '' : from.template === null ? `, a copy of ${from.path}` : ` from template ${from.template}`;

export const reasonOf = (op: VmOp): string => {
  switch (op.verb) {
    case 'define':
      return op.update ? `write ${op.record.path}, for the next restart too` : `write ${op.record.path}`;
    case 'autostart':
      return op.on ? 'start it with its server' : 'no longer start it with its server';
    case 'start':
      return op.paused ? 'start it, paused' : 'start it';
    case 'stop':
      if (op.ended) return 'clear away what has ended';
      return op.force ? 'shut it down; destroy it where it will not' : 'shut it down';
    case 'restart':
      return [
        op.write ? `restart it on the new ${op.record.path}` : `restart it on ${op.record.path}`,
        ...op.copies.map((c) => `copy ${c.vdev} into repository ${c.repository} while it is down`),
      ].join('; ');
    case 'pause':
      return 'pause it';
    case 'unpause':
      return op.saved === null ? 'let it go on' : `remove ${op.saved}, with its memory of before, and let it go on`;
    case 'set-memory':
      return `memory ${formatSize(op.from)} → ${formatSize(op.kib)}`;
    case 'set-vcpus':
      return `vCPUs ${op.from} → ${op.count}`;
    case 'set-sched':
      return `weight ${op.weight}, ${op.cap === 0 ? 'no cap' : `cap ${op.cap} %`}`;
    case 'set-affinity':
      return `run on CPUs ${op.hard}${op.soft === 'all' ? '' : `, rather on ${op.soft}`}`;
    case 'set-cpupool':
      return `cpupool ${op.from} → ${op.pool}`;
    case 'rename':
      return `rename ${op.name} → ${op.to}`;
    case 'change-cd':
      return op.path === null ? `take ${op.from} out of ${op.vdev}` : `put ${op.path} into ${op.vdev}`;
    case 'ready':
      return `wait until ${op.ready.host}:${op.ready.port} answers`;
    case 'release':
      return `take the marker out of ${op.path}; the VM is left as it is`;
    case 'make-disk':
      return `make ${op.vdev}: ${formatSize(op.size)} of ${op.format} in repository ${op.repository}${sourceText(op)}`;
    case 'make-seed':
      return `write the cloud-init seed ${op.path}`;
    case 'adopt-disk':
      return `take ${op.path} as ${op.vdev}`;
    case 'grow-disk':
      return `grow ${op.vdev}: ${formatSize(op.from)} → ${formatSize(op.size)}`;
    case 'attach-disk':
      return `attach ${op.vdev}: ${op.disk.path} (${op.disk.access})`;
    case 'detach-disk':
      return `detach ${op.vdev}: ${op.path}`;
    case 'attach-nic':
      return `attach ${op.nic} to ${op.bridge}`;
    case 'detach-nic':
      return `detach ${op.nic}`;
    case 'move-nic':
      return `hang ${op.nic} on ${op.bridge}${op.from === null ? '' : ` instead of ${op.from}`}`;
    case 'migrate':
      return `migrate it live to ${op.peer}`;
    case 'activate':
      return 'open its volumes there';
    case 'deactivate':
      return op.lease === null ? 'close its volumes there' : 'give back the lease of its volumes';
    case 'unlease':
      return `give back the lease in ${op.folder}, of which it has no use`;
    case 'drop-image':
      return `remove ${op.file}, with its memory of before it ran on`;
    case 'discard':
      return `destroy ${op.name}, which a broken-off migration left; the VM is on ${op.home}`;
    case 'settle':
      return [
        ...(op.lease === null ? [] : ['take its lease']),
        ...(op.link === null ? [] : ['start it with its server']),
        ...(op.update ? [`hand it ${op.path} for its next restart`] : []),
      ].join('; ');
    case 'suspend':
      return `save its memory to ${op.file}`;
    case 'resume':
      return `resume it from ${op.file}`;
    case 'forget':
      return `remove ${op.path}, which it left there`;
    case 'undefine':
      return `remove ${op.path}`;
  }
};

/** At a hundred MiB a second: the whole disk, though a sparse one takes less; a moved one is read once more. */
const copyMs = (disks: readonly MakeDisk[]): number =>
  disks.reduce((ms, d) => ms + Math.ceil(d.size / 1024 / 100) * (d.from?.template === null ? 2000 : 1000), 0);

/** At three hundred MiB a second, which 10-gigabit networks and disks give. */
const memoryMs = (kib: number): number => Math.ceil((kib / 1024 / 300) * 1000);

/** Both in ms, for a server of today; `downtimeMs` is how long the guest does not run. */
export const estimateOf = (op: VmOp): { readonly ms: number; readonly downtimeMs: number } => {
  switch (op.verb) {
    case 'define':
    case 'autostart':
    case 'forget':
    case 'undefine':
    case 'pause':
    case 'unpause':
    case 'move-nic':
    case 'set-sched':
    case 'set-affinity':
    case 'set-cpupool':
    case 'rename':
    case 'change-cd':
    case 'release':
    case 'activate':
    case 'deactivate':
    case 'unlease':
    case 'drop-image':
      return { ms: 500, downtimeMs: 0 };
    case 'discard':
    case 'settle':
      return { ms: 1000, downtimeMs: 0 };
    case 'migrate':
      return { ms: 3000 + memoryMs(op.config.memory.target), downtimeMs: 500 };
    case 'suspend':
    case 'resume': {
      const ms = 3000 + memoryMs(op.config.memory.target);
      return { ms, downtimeMs: ms };
    }
    case 'ready':
      return { ms: Math.min(op.ready.withinMs, 15_000), downtimeMs: 0 };
    case 'start':
      return { ms: 5000, downtimeMs: 0 };
    case 'stop':
      return { ms: 15_000, downtimeMs: 0 };
    case 'restart':
      return { ms: 25_000 + copyMs(op.copies), downtimeMs: 25_000 + copyMs(op.copies) };
    case 'make-disk':
      return { ms: op.from === null ? 2000 : copyMs([op]), downtimeMs: 0 };
    case 'make-seed':
    case 'adopt-disk':
    case 'grow-disk':
    case 'set-memory':
    case 'set-vcpus':
    case 'attach-disk':
    case 'attach-nic':
      return { ms: 2000, downtimeMs: 0 };
    case 'detach-disk':
    case 'detach-nic':
      return { ms: 3000, downtimeMs: 0 };
  }
};

/** What it costs a VM that runs. */
export const disruptionOf = (op: VmOp): Disruption => {
  switch (op.verb) {
    case 'define':
    case 'autostart':
    case 'forget':
    case 'undefine':
    case 'start':
    case 'ready':
    case 'release':
    case 'make-disk':
    case 'make-seed':
    case 'adopt-disk':
    case 'grow-disk':
    case 'settle':
    case 'activate':
    case 'deactivate':
    case 'unlease':
    case 'resume':
    case 'discard':
    case 'drop-image':
      return 'none';
    case 'migrate':
      return 'migrate';
    case 'set-memory':
    case 'set-vcpus':
    case 'attach-disk':
    case 'attach-nic':
    case 'move-nic':
    case 'set-sched':
    case 'set-affinity':
    case 'set-cpupool':
    case 'rename':
    case 'change-cd':
    case 'unpause':
      return 'live';
    case 'detach-disk':
    case 'detach-nic':
      return 'device';
    case 'restart':
    case 'suspend':
      return 'restart';
    case 'pause':
      return 'stop';
    case 'stop':
      return op.ended ? 'none' : 'stop';
  }
};
