/** Operation → what must hold before, the steps, what must hold after. Domids come from the reading, by UUID. */
import type { Lowered } from '../../../core/step.ts';
import { isImageOp, isServerOp, isVmOp } from '../../../kinds/operations.ts';
import type { Op } from '../../../kinds/plan.ts';
import type { ServerSeen } from '../../../kinds/server/live.ts';
import type { Peers, Secrets } from '../../../kinds/toolstack.ts';
import type { At, Unsupported } from './lowering.ts';
import { autostart, define, release, undefine } from './cfg.ts';
import { attachDisk, attachNic, changeCd, detachDisk, detachNic, moveNic } from './devices.ts';
import { adoptDisk, growDisk, makeDisk } from './disk.ts';
import { lowerImage } from './image.ts';
import { pauseOrNot, ready, restart, start, stop } from './life.ts';
import { discard, dropImage, migrate, resume, settle, suspend, unlease, volumesInUse } from './migrate.ts';
import { makeSeed } from './seed.ts';
import { lowerServer } from './server.ts';
import { lowerRepository } from './repository.ts';
import { rename, setAffinity, setCpupool, setMemory, setSched, setVcpus } from './settings.ts';

/** `seen` was read just before. `secrets`: the value of each reference that `op` holds. */
export const lower = (op: Op, seen: ServerSeen, secrets: Secrets, peers: Peers = new Map()): Lowered | Unsupported => {
  if (isImageOp(op)) return lowerImage(op, seen, secrets);
  if (isServerOp(op)) return lowerServer(op, seen, peers);
  if (!isVmOp(op)) return lowerRepository(op, seen);
  const at: At = { seen, secrets, peers, domain: seen.domains.find((d) => d.uuid === op.uuid) };
  switch (op.verb) {
    case 'define':
      return define(op, at);
    case 'autostart':
      return autostart(op);
    case 'release':
      return release(op, at);
    case 'forget':
    case 'undefine':
      return undefine(op, at);
    case 'start':
      return start(op, at);
    case 'migrate':
      return migrate(op, at, peers);
    case 'discard':
      return discard(op, at);
    case 'drop-image':
      return dropImage(op, at);
    case 'activate':
    case 'deactivate':
      return volumesInUse(op, at);
    case 'unlease':
      return unlease(op, at);
    case 'settle':
      return settle(op, at);
    case 'suspend':
      return suspend(op, at);
    case 'resume':
      return resume(op, at);
    case 'stop':
      return stop(op, at);
    case 'restart':
      return restart(op, at);
    case 'pause':
    case 'unpause':
      return pauseOrNot(op, at);
    case 'ready':
      return ready(op);
    case 'set-memory':
      return setMemory(op, at);
    case 'set-vcpus':
      return setVcpus(op, at);
    case 'set-sched':
      return setSched(op, at);
    case 'set-affinity':
      return setAffinity(op, at);
    case 'set-cpupool':
      return setCpupool(op, at);
    case 'rename':
      return rename(op, at);
    case 'change-cd':
      return changeCd(op, at);
    case 'make-disk':
      return makeDisk(op, seen);
    case 'make-seed':
      return makeSeed(op, at);
    case 'adopt-disk':
      return adoptDisk(op, seen);
    case 'grow-disk':
      return growDisk(op, seen);
    case 'attach-disk':
      return attachDisk(op, at);
    case 'detach-disk':
      return detachDisk(op, at);
    case 'attach-nic':
      return attachNic(op, at);
    case 'detach-nic':
      return detachNic(op, at);
    case 'move-nic':
      return moveNic(op, at);
  }
};
