/** One VM: its own key, its pattern, its profiles and the defaults, folded into what it is to be. */
import type { Disruption } from '../core/disruption.ts';
import { badName } from '../core/name.ts';
import { byText } from '../core/order.ts';
import { parseSize } from '../core/quantity.ts';
import type { PoolSpec } from '../kinds/farm.ts';
import type { BootSpec, VmSpec, VmState, VmType } from '../kinds/vm/spec.ts';
import { apartOf } from './apart.ts';
import { refuse, refusePassword, type Around } from './around.ts';
import { cdromsOf, nicsOf } from './devices.ts';
import { cloudInitOf } from './cloud-init.ts';
import { disksOf } from './disks.ts';
import { checkFit } from './fit.ts';
import { placeOf } from './gather.ts';
import { flagAt, itemsOf, layerOf, lookUp, numberAt, placeIn, textAt, type Found, type Layer } from './layers.ts';
import type { Member } from './pattern.ts';
import { checkLeaving } from './leaving.ts';
import { didYouMean, type Problems } from './problem.ts';
import { readyOf, shutdownOf } from './ready.ts';
import { settingsOf } from './settings.ts';
import type { Vm } from './types.ts';
import { badCmdline, badServerPath } from './words.ts';
import { xlOf } from './xl.ts';

/** All that speaks of a VM, the nearest first: its own key, its pattern, its profiles, the defaults of its files. */
export const layersOf = (member: Member<Vm>, around: Around): readonly Layer[] => {
  const own = member.entries.map((e) => layerOf(e));
  const files = new Set(member.entries.map((e) => e.file));
  const defaults = [...files].flatMap((file) => {
    const entry = around.defaults.get(file);
    return entry ? [layerOf(entry)] : [];
  });
  const profile = textAt([...own, ...defaults], 'profile');
  return [...own, ...(profile ? around.profile(profile) : []), ...defaults];
};

export const resolveVm = (member: Member<Vm>, layers: readonly Layer[], around: Around): VmSpec => {
  const { problems } = around;
  const { name: key } = member;
  const name = textAt(layers, 'name');
  const formerly = textAt(layers, 'formerly');
  refuse(problems, 'the name of a VM', name, (v) => badName(v, 'VM'));
  refuse(problems, 'the key of a VM', formerly, (v) => badName(v, 'VM'));
  const pool = poolOf(member, layers, around);
  const target = memoryAt(layers, 'target', problems);
  const max = memoryAt(layers, 'max', problems);
  const count = numberAt(layers, 'vcpus', 'count');
  const most = numberAt(layers, 'vcpus', 'max');
  overMax(key, 'vcpus.count', count, most, problems, String);
  overMax(key, 'memory.target', target.kib, max.kib, problems, (_, found) => found.text);
  checkFit(key, layers, problems);
  const vm: VmSpec = {
    key,
    name: name?.value ?? key,
    uuid: textAt(layers, 'uuid')?.value.toLowerCase(),
    pool: pool?.name ?? '',
    servers: serversOf(key, layers, pool, around),
    apart: apartOf(key, layers, problems),
    ...stateOf(layers),
    type: textAt(layers, 'type')?.value as VmType | undefined,
    vcpus: { count: count?.value, max: most?.value },
    memory: { target: target.kib?.value, max: max.kib?.value },
    boot: bootOf(layers, problems),
    settings: settingsOf(key, layers, around),
    disks: disksOf(key, layers, pool, around),
    cdroms: cdromsOf(key, layers, pool, around),
    nics: nicsOf(key, layers, pool, around),
    xl: xlOf(layers, problems),
    autostart: flagAt(layers, 'autostart'),
    after: afterOf(layers),
    ready: readyOf(key, layers, around),
    shutdownMs: shutdownOf(layers, around),
    formerly: formerly?.value,
    cloudInit: cloudInitOf(key, layers, around),
    protect: flagAt(layers, 'protect') ?? false,
    rides: flagAt(layers, 'rides') ?? false,
    deleteDisks: flagAt(layers, 'deleteDisks') ?? false,
    budget: textAt(layers, 'budget')?.value as Disruption | undefined,
    origin: placeOf(member.entries[0]),
  };
  checkLeaving(vm, layers, around);
  return vm;
};

const stateOf = (layers: readonly Layer[]): Pick<VmSpec, 'state' | 'stateOpen'> => {
  const said = textAt(layers, 'state')?.value as VmState | 'absent' | undefined;
  return said === undefined ? { state: 'running', stateOpen: true } : { state: said };
};

const poolOf = (member: Member<Vm>, layers: readonly Layer[], around: Around): PoolSpec | undefined => {
  const { pools, problems } = around;
  const said = textAt(layers, 'pool');
  const names = [...pools.keys()];
  if (said) {
    const pool = pools.get(said.value);
    if (pool) return pool;
    problems.add({
      code: 'unknown-pool',
      message: `there is no pool ${JSON.stringify(said.value)}`,
      at: placeIn(said),
      hint: didYouMean(said.value, names, 'pool'),
    });
    return undefined;
  }
  if (names.length > 1 && !layers.some((l) => around.spoiled(l.file, `${l.pointer}/pool`))) {
    const server = textAt(layers, 'server');
    const home = server ? around.servers.get(server.value) : undefined;
    problems.add({
      code: 'missing-pool',
      message: `${member.name} names no pool, and the farm has ${names.length}`,
      at: placeOf(member.entries[0], 'key'),
      hint: home === undefined ? `add \`pool\`: ${names.slice(0, 12).join(', ')}` : `add \`pool: ${home}\``,
    });
  }
  return names.length === 1 ? pools.get(names[0] ?? '') : undefined;
};

const serversOf = (
  key: string,
  layers: readonly Layer[],
  pool: PoolSpec | undefined,
  around: Around,
): readonly string[] => {
  for (const layer of layers) {
    const one = textAt([layer], 'server');
    const list = lookUp([layer], ['servers']);
    if (one && list) {
      around.problems.add({
        code: 'two-forms',
        message: `${key} has both \`server\` and \`servers\``,
        at: placeIn(list, 'key'),
        hint: 'keep one of them',
      });
    }
    const named = one ? [one] : list ? itemsOf(list).filter((item) => item.value !== '') : [];
    if (!one && !list) continue;
    for (const server of named) checkServer(key, server, pool, around);
    return [...new Set(named.map((s) => s.value))].sort(byText);
  }
  return [];
};

const checkServer = (key: string, server: Found<string>, pool: PoolSpec | undefined, around: Around): void => {
  const home = around.servers.get(server.value);
  if (pool === undefined ? home !== undefined : home === pool.name) {
    const roles = pool?.servers.find((s) => s.name === server.value)?.roles;
    if (!roles || roles.includes('vm')) return;
    around.problems.add({
      code: 'no-vm-server',
      message: `server ${server.value} runs no VMs: its roles are ${roles.join(', ')}`,
      at: placeIn(server),
      hint: 'name another one, or add `vm` to its roles',
    });
    return;
  }
  const known = pool ? pool.servers.map((s) => s.name) : [...around.servers.keys()];
  around.problems.add(
    home === undefined || !pool
      ? {
          code: 'unknown-server',
          message: `there is no server ${JSON.stringify(server.value)}`,
          at: placeIn(server),
          hint: didYouMean(server.value, known, 'server'),
        }
      : {
          code: 'server-outside-pool',
          message: `server ${server.value} is in pool ${home}, and ${key} in pool ${pool.name}`,
          at: placeIn(server),
          hint: `name a server of ${pool.name}, or set \`pool: ${home}\``,
        },
  );
};

/** A list item of a wrong type was told already, and is empty. */
const afterOf = (layers: readonly Layer[]): readonly string[] => {
  const list = lookUp(layers, ['after']);
  const names = list ? itemsOf(list).filter((item) => item.value !== '') : [];
  return [...new Set(names.map((n) => n.value))].sort(byText);
};

type Memory = Found<number> & { readonly text: string };

/** KiB. */
const memoryAt = (
  layers: readonly Layer[],
  part: 'target' | 'max',
  problems: Problems,
): { readonly kib: Memory | undefined } => {
  const found = textAt(layers, 'memory', part);
  if (!found) return { kib: undefined };
  const size = parseSize(found.value);
  const why = !size.ok
    ? size.why
    : size.value === 0
      ? 'a VM needs some memory'
      : size.value % 1024 === 0
        ? null
        : `Xen takes whole MiB: write ${Math.ceil(size.value / 1024)}MiB`;
  if (why !== null) refuse(problems, 'an amount of memory', found, () => why);
  return { kib: size.ok && why === null ? { ...found, value: size.value, text: found.value } : undefined };
};

const overMax = <F extends Found<number>>(
  key: string,
  what: string,
  have: F | undefined,
  max: F | undefined,
  problems: Problems,
  text: (n: number, found: F) => string,
): void => {
  if (!have || !max || have.value <= max.value) return;
  const [group = ''] = what.split('.');
  problems.add({
    code: 'over-max',
    message: `${what} of ${key} is ${text(have.value, have)}, over ${group}.max, ${text(max.value, max)}`,
    at: placeIn(have),
    hint: `raise ${group}.max or lower ${what}`,
    related: [{ message: `${group}.max is here`, at: placeIn(max) }],
  });
};

const bootOf = (layers: readonly Layer[], problems: Problems): BootSpec | undefined => {
  if (!lookUp(layers, ['boot'])) return undefined;
  const kernel = textAt(layers, 'boot', 'kernel');
  const ramdisk = textAt(layers, 'boot', 'ramdisk');
  const cmdline = textAt(layers, 'boot', 'cmdline');
  refuse(problems, 'a kernel', kernel, badServerPath);
  refuse(problems, 'a ramdisk', ramdisk, badServerPath);
  if (!refusePassword(problems, 'the command line', cmdline, 'give the guest an address or a file without one'))
    refuse(problems, 'a command line', cmdline, badCmdline);
  return { kernel: kernel?.value, ramdisk: ramdisk?.value, cmdline: cmdline?.value };
};
