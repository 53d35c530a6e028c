/** VMs whose state the file does not say: one that was adopted while it did not run is left as it is. */
import type { Farm } from '../../kinds/farm.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import { lifeOf } from '../../kinds/vm/state.ts';
import type { Matched } from './match.ts';

/** Reeve has never kept it running: nobody has asked for that. */
const isLeft = (live: LiveVm): boolean => {
  const { marker } = live;
  if (marker === null) return lifeOf(live) !== 'running';
  return marker.origin === 'adopted' && marker.applied['state'] !== 'running';
};

const asFound = (spec: VmSpec, live: LiveVm | null): VmSpec => {
  const { stateOpen: _, ...said } = spec;
  if (!live || !isLeft(live)) return said;
  const life = lifeOf(live);
  return { ...spec, state: life === 'running' || life === 'paused' ? life : 'stopped' };
};

/** With a state for each VM; of those that are left alone it is the one that they have, and still open. */
export const withStates = (farm: Farm, { of }: Pick<Matched, 'of'>): Farm => ({
  ...farm,
  vms: farm.vms.map((spec) => {
    if (!spec.stateOpen) return spec;
    const m = of.get(spec.key);
    return asFound(spec, m?.is === 'matched' ? m.found.live : null);
  }),
});
