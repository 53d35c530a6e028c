/** The cfgs that VMs left on servers where they no longer are. */
import { ref } from '../core/ref.ts';
import type { VmOp } from '../kinds/vm/ops.ts';
import type { Found } from './match.ts';

export const forgetting = (key: string, stale: readonly Found[]): readonly VmOp[] =>
  stale.flatMap(({ server, uuid, name, live: { record } }): readonly VmOp[] => {
    if (!record || uuid === null) return [];
    const { path, digest, autostart, via } = record;
    const links = [...autostart, ...(via === undefined ? [] : [via])];
    return [{ vm: ref('vm', key), server, uuid, name, verb: 'forget', path, digest, links }];
  });
