/** Random VMs of every type, with all that the file can say of one: what no type forbids, so that nothing is refused for a reason that is not looked for. */
import * as fc from 'fast-check';
import type { BootSpec, DiskSpec, NicSpec, Settings, VmSpec, VmType } from '../../src/kinds/vm/spec.ts';
import { disk, MiB, nic, spec } from '../unit/plan/world.ts';

const size = fc.integer({ min: 1, max: 8 }).map((n) => n * 256 * MiB);
const maybe = <T>(a: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(a, { nil: undefined });
const onEvent = maybe(fc.constantFrom('destroy' as const, 'restart' as const, 'preserve' as const));

const common = fc.record({
  target: size,
  headroom: maybe(size),
  count: fc.integer({ min: 1, max: 4 }),
  maxVcpus: maybe(fc.integer({ min: 4, max: 6 })),
  cmdline: maybe(fc.constantFrom('quiet', 'console=hvc0')),
  vdevs: fc.subarray(['xvda', 'xvdb', 'xvde']),
  readOnly: fc.boolean(),
  qcow2: fc.boolean(),
  nics: fc.integer({ min: 0, max: 2 }),
  dmz: fc.boolean(),
  rate: maybe(fc.constant('1250000B/s@50000us')),
  state: fc.constantFrom('running' as const, 'running' as const, 'paused' as const, 'stopped' as const),
  autostart: maybe(fc.boolean()),
  protect: fc.boolean(),
  renamed: fc.boolean(),
  weight: maybe(fc.constantFrom(128, 256, 512)),
  cap: maybe(fc.constantFrom(0, 50)),
  hard: maybe(fc.constantFrom('all', '0-1', '2')),
  soft: maybe(fc.constantFrom('all', '1')),
  cpupool: maybe(fc.constantFrom('Pool-0', 'other')),
  poweroff: onEvent,
  crash: onEvent,
  localtime: maybe(fc.constantFrom('0', '1')),
  loader: fc.boolean(),
});

/** What only HVM has. */
const hvmOnly = fc.record({
  firmware: maybe(fc.constantFrom('bios' as const, 'uefi' as const)),
  order: maybe(fc.constantFrom(['disk' as const, 'cdrom' as const], ['cdrom' as const, 'disk' as const])),
  vnc: maybe(fc.boolean()),
  port: maybe(fc.constantFrom(5901, 5902)),
  password: fc.boolean(),
  serial: maybe(fc.constant('pty')),
  tablet: maybe(fc.boolean()),
  iso: fc.option(fc.constantFrom(null, '/srv/a.iso', '/srv/b.iso'), { nil: undefined }),
  emulated: fc.boolean(),
});

export interface Wishes {
  /** Of the server: what `cpupool`, a password and `xl` may be is left out where it has none of it. */
  readonly cpupools: boolean;
  readonly passwords: boolean;
  readonly states: boolean;
}

/** What is undefined was not said. */
const said = (all: Readonly<Record<string, unknown>>): Settings =>
  Object.fromEntries(Object.entries(all).filter(([, v]) => v !== undefined)) as Settings;

/** The VM `key`; its disks are /srv/KEY-VDEV, its CDs /srv/a.iso and /srv/b.iso, its kernel /srv/vmlinuz. */
export const arbVm = (
  key: string,
  { cpupools, passwords, states }: Wishes,
  types: readonly VmType[] = ['pv', 'pvh', 'hvm'],
): fc.Arbitrary<VmSpec> =>
  fc.tuple(fc.constantFrom(...types), common, hvmOnly).map(([type, r, h]) => {
    const hvm = type === 'hvm';
    const loads = type === 'pv' && r.loader;
    const bare = hvm && r.loader;
    const boot: BootSpec = {
      kernel: loads || bare ? undefined : '/srv/vmlinuz',
      ramdisk: undefined,
      cmdline: bare ? undefined : r.cmdline,
    };
    const screen = h.vnc !== false;
    const disks: Record<string, DiskSpec> = Object.fromEntries(
      r.vdevs.map((v) => [
        v,
        disk(`/srv/${key}-${v}`, r.readOnly && v !== 'xvda' && !(hvm && v === 'xvdb') ? 'ro' : 'rw', {
          format: r.qcow2 && v === 'xvde' ? 'qcow2' : undefined,
        }),
      ]),
    );
    if (hvm && h.emulated) disks['hdd'] = disk(`/srv/${key}-hdd`, 'rw');
    const nics: Record<string, NicSpec> = Object.fromEntries(
      [...Array(r.nics).keys()].map((i) => [`eth${i}`, nic(r.dmz ? 'dmz' : 'lan', { rate: r.rate })]),
    );
    return spec(key, {
      name: r.renamed ? `${key}-new` : key,
      type,
      memory: { target: r.target, max: r.headroom === undefined ? undefined : r.target + r.headroom },
      vcpus: { count: r.count, max: r.maxVcpus },
      boot,
      settings: said({
        'boot.bootloader': loads ? 'pygrub' : undefined,
        'sched.weight': r.weight,
        'sched.cap': r.cap,
        'affinity.hard': r.hard,
        'affinity.soft': r.soft,
        cpupool: cpupools ? r.cpupool : undefined,
        'on.poweroff': r.poweroff,
        'on.crash': r.crash,
        ...(hvm
          ? {
              'boot.firmware': h.firmware,
              'boot.order': h.order,
              'display.vnc': h.vnc,
              'display.vnc.port': screen ? h.port : undefined,
              'display.vnc.password':
                screen && h.password && passwords ? { secret: '${env:VNC}', digest: null } : undefined,
              serial: h.serial,
              tablet: h.tablet,
            }
          : {}),
      }),
      disks,
      cdroms: hvm && h.iso !== undefined ? { hdc: { path: h.iso } } : hvm ? {} : undefined,
      nics,
      xl: r.localtime === undefined ? undefined : { localtime: r.localtime },
      state: states ? r.state : 'running',
      autostart: r.autostart,
      protect: r.protect,
    });
  });
