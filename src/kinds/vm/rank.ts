/** In which order the operations of one VM are carried out. */
import type { VmOp } from './ops.ts';

/** Down first and up last, so that what a VM gives back is there for what it takes. */
export const rankOf = (op: VmOp): number => {
  switch (op.verb) {
    case 'drop-image':
      return -2;
    case 'make-disk':
    case 'make-seed':
    case 'adopt-disk':
    case 'grow-disk':
      return -1;
    case 'define':
      return 0;
    case 'autostart':
    case 'unpause':
      return 1;
    case 'detach-disk':
    case 'detach-nic':
    case 'settle':
      return 2;
    case 'set-memory':
      return op.kib < op.from ? 3 : 4;
    case 'set-vcpus':
      return op.count < op.from ? 3 : 4;
    case 'rename':
    case 'release':
      return 1;
    case 'set-cpupool':
      return 4;
    case 'set-sched':
    case 'set-affinity':
    case 'change-cd':
    case 'attach-disk':
    case 'attach-nic':
    case 'move-nic':
      return 5;
    case 'start':
    case 'stop':
    case 'pause':
    case 'restart':
    case 'undefine':
      return 6;
    case 'forget':
      return 8;
    case 'unlease':
      return 9;
    case 'migrate':
    case 'suspend':
    case 'resume':
    case 'discard':
    case 'activate':
    case 'deactivate':
      return 6;
    case 'ready':
      return 7;
  }
};
