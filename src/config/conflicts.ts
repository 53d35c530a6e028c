/** What no two VMs may share: a MAC, a UUID, Xen's name, a disk that one of them writes. One pass, each VM looked at once. */
import type { DiskSpec, VmSpec } from '../kinds/vm/spec.ts';
import type { Place, Problems } from './problem.ts';

/** Where a field of a VM stands: `nics.eth0.mac`. */
export type PlaceOfField = (vm: string, field: readonly string[]) => Place;

interface Holder {
  readonly vm: VmSpec;
  readonly field: readonly string[];
}

interface Use extends Holder {
  readonly access: DiskSpec['access'];
}

/** Who may not have a disk together with one that has it so: readers meet readers, and those that share it each other. */
const foes: Readonly<Record<DiskSpec['access'], readonly DiskSpec['access'][]>> = {
  rw: ['rw', 'ro', 'shared'],
  ro: ['rw', 'shared'],
  shared: ['rw', 'ro'],
};

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
  const uses = new Map<string, Use[]>();
  for (const vm of vms) {
    if (vm.uuid !== undefined) uuid(vm.uuid, { vm, field: ['uuid'] });
    name(vm.name, { vm, field: vm.name === vm.key ? [] : ['name'] });
    // What shall be gone holds nothing; where the pool is unknown, so is who meets whom.
    if (vm.state === 'absent' || vm.pool === '') continue;
    for (const [nic, spec] of Object.entries(vm.nics ?? {})) {
      if (spec.mac !== undefined) mac(spec.mac, { vm, field: ['nics', nic, 'mac'] });
    }
    for (const [vdev, { path, access }] of Object.entries(vm.disks ?? {})) {
      // One that Reeve makes is nobody else's.
      if (path === '') continue;
      const use: Use = { vm, field: ['disks', vdev, 'path'], access };
      const others = uses.get(path);
      if (others) others.push(use);
      else uses.set(path, [use]);
    }
  }
  for (const [path, all] of uses) {
    if (all.length < 2) continue;
    const help = 'give each its own, or `access: ro` to both, or `access: shared` where their guests can share it';
    checkUses(all, (first, again) => tell(`disk ${path}`, ', and it is written', help, first, again));
  }
};

/**
 * Those of one path have one disk where they may be on one server; that is fine as long as all read, or all share. Kept by
 * pool and server, with `*` for a VM that may be anywhere, so that each use costs as much as it names servers.
 */
const checkUses = (uses: readonly Use[], tell: (first: Holder, again: Holder) => void): void => {
  const seen = new Map<string, { -readonly [A in Use['access']]?: Use }>();
  for (const use of uses) {
    const { pool, servers } = use.vm;
    const key = (server: string): string => `${pool}\n${server}`;
    const anywhere = servers.length === 0;
    // One that may be anywhere meets all; one that is bound meets those on its servers and those that may be anywhere.
    const meets = anywhere ? [key('*'), key('')] : [...servers.map(key), key('*')];
    const clash = meets.flatMap((k) => foes[use.access].map((a) => seen.get(k)?.[a])).find((u) => u !== undefined);
    if (clash) tell(clash, use);
    for (const k of anywhere ? [key('*')] : [...servers.map(key), key('')]) {
      const at = seen.get(k) ?? {};
      at[use.access] ??= use;
      seen.set(k, at);
    }
  }
};
