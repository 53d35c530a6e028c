/** Changes that no comparison finds, as the plan shows them: a disk that grows, and what the file no longer sets. */
import { absent, value, type Way } from '../../core/change.ts';
import type { PlanChange } from '../../kinds/plan.ts';
import { isVolumeGroup } from '../../kinds/repository/live.ts';
import type { GrownDisk } from '../../kinds/vm/draft.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';

/** It stands in the repository, and in no layer of the VM. */
export const grown = ({ vdev, from, size, folder }: GrownDisk, live: LiveVm | null): PlanChange => {
  const volume = isVolumeGroup(folder);
  const up = live?.domain && !volume ? '; the guest sees it when it starts again' : '';
  const way: Way = {
    how: 'grow-disk',
    disruption: 'none',
    why: `the ${volume ? 'volume' : 'file'} grows at once${up}`,
  };
  return {
    field: `size.${vdev}`,
    want: value(size),
    have: { applied: absent, configured: value(from), running: absent },
    cause: 'config',
    fate: 'take',
    way,
    ways: [way],
  };
};

export const released = (field: string, live: LiveVm | null): PlanChange => {
  const was = live?.marker?.applied[field];
  return {
    field,
    want: { is: 'default' },
    have: {
      applied: was === undefined ? { is: 'absent' } : { is: 'value', value: was },
      configured: { is: 'absent' },
      running: { is: 'absent' },
    },
    cause: 'config',
    fate: 'released',
    way: null,
    ways: [],
  };
};
