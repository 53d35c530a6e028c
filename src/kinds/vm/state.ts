/** The life of a VM: what it is doing now, and what it takes to have it do what the file says. */
import { type Change, type Way, absent, value } from '../../core/change.ts';
import { ref } from '../../core/ref.ts';
import { causeOf } from './cause.ts';
import { settingOf } from './fields.ts';
import type { Domain, LiveVm } from './live.ts';
import type { VmSpec } from './spec.ts';

/**
 * `ended`: shut down, but still there since nobody cleared it. `dying`: there in part only; a reading waits for one that comes or goes, so
 * that this one was left half made by an xl that was killed, or does not come to its end.
 */
export type Life = 'absent' | 'stopped' | 'running' | 'paused' | 'crashed' | 'ended' | 'dying';

export const lifeOf = (live: LiveVm | null): Life => {
  if (!live) return 'absent';
  const d = live.domain;
  if (!d) return 'stopped';
  return d.state === 'shutdown' ? 'ended' : d.state;
};

/** A VM that its monitor starts again whenever it shuts down (`on.poweroff`). */
export const isRevived = (d: Domain): boolean =>
  d.monitored !== false && settingOf(d.settings, 'on.poweroff').endsWith('restart');

export const revives = 'it starts again whenever it shuts down (on.poweroff), so that it can only be destroyed';

const way = (how: Way['how'], disruption: Way['disruption'], why: string): Way => ({ how, disruption, why });

const notRunning: Partial<Record<Life, string>> = {
  crashed: 'it has crashed',
  dying: 'only a part of it is left, which is cleared first',
};

const stateWay = (want: VmSpec['state'], life: Life, revived: boolean): Way | null => {
  const up = life === 'running' || life === 'paused';
  switch (want) {
    case 'running':
      if (life === 'running') return null;
      if (life === 'paused') return way('unpause', 'live', 'it goes on where it was paused');
      return way('start', 'none', notRunning[life] ?? 'it is not running');
    case 'paused':
      if (life === 'paused') return null;
      if (life === 'running') return way('pause', 'stop', 'it stands still until it is unpaused');
      return way('start', 'none', 'it is not running');
    case 'stopped':
      if (life === 'stopped' || life === 'absent') return null;
      return up
        ? revived
          ? way('stop', 'data-loss', revives)
          : way('stop', 'stop', 'it is down after')
        : way('stop', 'none', 'it has ended; what is left of it is cleared');
    case 'absent':
      if (life === 'absent') return null;
      return up
        ? revived
          ? way('delete', 'data-loss', revives)
          : way('delete', 'stop', 'it is shut down and its cfg removed; its disks stay')
        : way('delete', 'none', 'its cfg is removed; its disks stay');
  }
};

/** The change of `state`, or null where the VM does what the file says, or the file says nothing. */
export const compareState = (spec: Pick<VmSpec, 'key' | 'state' | 'stateOpen'>, live: LiveVm | null): Change | null => {
  if (spec.stateOpen) return null;
  const life = lifeOf(live);
  const chosen = stateWay(spec.state, life, live?.domain ? isRevived(live.domain) : false);
  if (!chosen) return null;
  const said = live?.marker?.applied['state'];
  const applied = said === undefined ? absent : value(said);
  const running = life === 'absent' ? absent : value(life);
  const want = value(spec.state);
  // One that is to go goes by the file's word alone.
  const ofFile = live === null || spec.state === 'absent';
  const layers = { want, applied, configured: want, running, waits: false, fixed: false };
  return {
    subject: ref('vm', spec.key),
    field: 'state',
    want,
    have: { applied, configured: absent, running },
    cause: ofFile && live?.marker !== null ? 'config' : causeOf(live?.marker ?? null, layers),
    bearer: null,
    ways: [chosen],
  };
};
