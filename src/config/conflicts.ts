/** What no two VMs may share: a MAC, a UUID, Xen's name, a disk that one of them writes. One pass, each VM looked at once. */
import type { VmSpec } from '../kinds/vm/spec.ts';
import type { Place, Problems } from './problem.ts';

/** Where a field of a VM stands: `nics.eth0.mac`. */
export type PlaceOfField = (vm: string, field: readonly string[]) => Place;

interface Holder {
  readonly vm: VmSpec;
  readonly field: readonly string[];
}

export const checkConflicts = (vms: readonly VmSpec[], placeOf: PlaceOfField, problems: Problems): void => {
  const tell = (what: string, tail: string, hint: string, first: Holder, again: Holder): void => {
    const message =
      first.vm === again.vm
        ? `${again.vm.key} has ${what} twice${tail}`
        : `${first.vm.key} and ${again.vm.key} have one ${what}${tail}`;
    problems.add({
      code: 'shared',
      message,
      at: placeOf(again.vm.key, again.field),
      hint,
      related: [{ message: `${first.vm.key} has it here`, at: placeOf(first.vm.key, first.field) }],
    });
  };
  const once = (what: string, hint: string) => {
    const taken = new Map<string, Holder>();
    return (value: string, again: Holder): void => {
      const first = taken.get(value);
      if (first) tell(`${what} ${value}`, '', hint, first, again);
      else taken.set(value, again);
    };
  };
  const mac = once('MAC', 'leave it out: Reeve then derives one');
  const uuid = once('UUID', 'leave it out: Reeve then derives one');
  const name = once('Xen name', 'every VM of the farm needs a name of its own');
  const disk = diskCheck((path, first, again) =>
    tell(`disk ${path}`, ', and it is written', 'give each its own, or `access: ro` to both', first, again),
  );
  for (const vm of vms) {
    if (vm.uuid !== undefined) uuid(vm.uuid, { vm, field: ['uuid'] });
    name(vm.name, { vm, field: vm.name === vm.key ? [] : ['name'] });
    // What shall be gone holds nothing; where the pool is unknown, so is who meets whom.
    if (vm.state === 'absent' || vm.pool === '') continue;
    for (const [nic, spec] of Object.entries(vm.nics ?? {})) {
      if (spec.mac !== undefined) mac(spec.mac, { vm, field: ['nics', nic, 'mac'] });
    }
    for (const [vdev, spec] of Object.entries(vm.disks ?? {})) {
      disk(spec.path, spec.access === 'rw', { vm, field: ['disks', vdev, 'path'] });
    }
  }
};

/**
 * Two VMs have one disk where they may be on one server and it has the same path there; that is fine as long as neither
 * writes. Kept by path and server, with `*` for "any of the pool", so that each VM costs as much as it names servers.
 */
const diskCheck = (tell: (path: string, first: Holder, again: Holder) => void) => {
  type Users = { any?: Holder; writer?: Holder };
  const users = new Map<string, Users>();
  return (path: string, writes: boolean, again: Holder): void => {
    const { pool, servers } = again.vm;
    const key = (server: string): string => `${pool}\n${server}\n${path}`;
    // A VM that may be anywhere meets all; one that is bound meets those on its servers and those that may be anywhere.
    const meets = servers.length === 0 ? [key('*'), key('')] : [...servers.map(key), key('*')];
    const clash = meets
      .map((k) => (writes ? users.get(k)?.any : users.get(k)?.writer))
      .find((holder) => holder !== undefined);
    if (clash) tell(path, clash, again);
    for (const k of servers.length === 0 ? [key('*')] : [...servers.map(key), key('')]) {
      const at = users.get(k) ?? {};
      at.any ??= again;
      if (writes) at.writer ??= again;
      users.set(k, at);
    }
  };
};
