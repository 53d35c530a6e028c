/** What may be a VM itself under another name: nothing is made or started beside it before a person has looked. */
import type { Reason } from '../../core/reason.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import type { Found } from './inventory.ts';

/** `web on dom01 (domain 3, /etc/xen/web.cfg)`: what runs with the cfg that it runs from, or a cfg alone. */
const told = ({ server, name, live: { domain, record } }: Found): string => {
  const parts = [...(domain ? [`domain ${domain.domid}`] : []), ...(record ? [record.path] : [])];
  return `${name} on ${server} (${parts.join(', ')})`;
};

/** A marker of another VM speaks for itself; one of a farm that is not this one, too. */
const markersOf = (twins: readonly Found[], farm: string): readonly string[] => [
  ...new Set(
    twins.flatMap(({ marker: m }) =>
      m ? [m.farm === farm ? `${m.vm} of this farm` : `${m.vm} of farm ${m.farm}`] : [],
    ),
  ),
];

/** Why a VM must not begin that would have this UUID, while these have it; null: none has. */
export const uuidTaken = (spec: VmSpec, uuid: string, twins: readonly Found[], farm: string): Reason | null => {
  if (twins.length === 0) return null;
  const markers = markersOf(twins, farm);
  const whose = markers.length > 0 ? `, marked as ${markers.join(' and ')}` : '';
  const own = `where ${spec.key} is another VM, write a \`uuid\` of its own (uuidgen makes one)`;
  return {
    code: 'uuid-taken',
    why: `${spec.key} would have the UUID ${uuid}, and ${twins.map(told).join(' and ')} has it${whose}`,
    help:
      markers.length > 0
        ? own
        : `look at it, and remove nothing before: where it is ${spec.key}, write uuid: ${uuid}; ${own}`,
  };
};

/** Why a VM must not begin whose name stands in the cfg of a domain that goes under another name; null: in none. */
export const cfgOfTwin = (spec: VmSpec, all: readonly Found[]): Reason | null => {
  const twin = all.find(
    ({ pool, marker, live: { domain, record } }) =>
      domain && pool === spec.pool && marker === null && record?.config?.name === spec.name,
  );
  if (!twin?.live.domain) return null;
  return {
    code: 'name-taken',
    why: `${told(twin)} runs from a cfg that calls it ${spec.name}`,
    help: `look at it: where it is ${spec.key}, write uuid: ${twin.live.domain.uuid}; where it is not, correct the name in that cfg`,
  };
};
