/** VMs that would have nowhere to be, since every server that they may be on is to leave. */
import type { VmSpec } from '../kinds/vm/spec.ts';
import type { Around } from './around.ts';
import { placeOf } from './gather.ts';
import { lookUp, placeIn, textAt, type Layer } from './layers.ts';

/** A server in maintenance comes back, and one of several may leave: those are planning's to explain. */
export const checkLeaving = (vm: VmSpec, layers: readonly Layer[], { pools, problems }: Around): void => {
  const pool = pools.get(vm.pool);
  if (!pool || pool.servers.length === 0 || vm.state === 'absent') return;
  const leaving = new Set(pool.servers.flatMap((s) => (s.state === 'absent' ? [s.name] : [])));
  const stays = pool.servers.map((s) => s.name).filter((name) => !leaving.has(name));
  if (stays.length === 0) {
    const said = textAt(layers, 'pool');
    problems.add({
      code: 'pool-leaves',
      message: `every server of pool ${pool.name} is to be absent, and ${vm.key} is in that pool`,
      at: said ? placeIn(said) : placeOf(vm.origin, 'key'),
      hint: `keep a server for it, or set \`state: absent\` for ${vm.key}, too`,
    });
    return;
  }
  if (vm.servers.length === 0 || !vm.servers.every((name) => leaving.has(name))) return;
  const said = layers.map((l) => lookUp([l], ['server']) ?? lookUp([l], ['servers'])).find((f) => f !== undefined);
  const [first, ...others] = vm.servers;
  problems.add({
    code: 'server-leaves',
    message:
      others.length === 0
        ? `server ${first} is to be absent, and ${vm.key} may be on no other`
        : `${vm.servers.join(' and ')} are to be absent, and ${vm.key} may be on no other`,
    at: said ? placeIn(said) : placeOf(vm.origin, 'key'),
    hint: `name one that stays: ${stays.slice(0, 12).join(', ')}${stays.length > 12 ? ' …' : ''}; or set \`state: absent\` for ${vm.key}, too`,
  });
};
