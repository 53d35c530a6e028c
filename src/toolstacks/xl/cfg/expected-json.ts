/** What the real `xl -N create CFG` prints for a cfg that Reeve wrote: the law that holds the writer to xl's own reading. */
import { canonical, sameValue } from '../../../core/digest.ts';
import { setsOf } from '../../../kinds/vm/cpus.ts';
import { settingOf } from '../../../kinds/vm/fields.ts';
import type { DiskConfig, NicConfig, Secret, SettingName, VmConfig } from '../../../kinds/vm/spec.ts';
import { toWrite, type SecretOf } from './settings.ts';

type Json = Readonly<Record<string, unknown>>;

const valueOf = (words: readonly string[], key: string): string | null =>
  words.find((x) => x.startsWith(`${key}=`))?.slice(key.length + 1) ?? null;

/** libxl leaves defaults out: null stands for "this key is not printed". */
const disk = (vdev: string, d: DiskConfig): Json => ({
  pdev_path: d.path,
  vdev,
  format: d.format,
  readwrite: d.access === 'rw' ? 1 : null,
  removable: null,
  is_cdrom: null,
  backend: d.backend ?? valueOf(d.extra, 'backendtype'),
  backend_domname: valueOf(d.extra, 'backend'),
  script: valueOf(d.extra, 'script'),
});

const cdrom = (vdev: string, path: string): Json => ({
  pdev_path: path === '' ? null : path,
  vdev,
  format: path === '' ? 'empty' : 'raw',
  readwrite: null,
  removable: 1,
  is_cdrom: 1,
});

const nic = (n: NicConfig, devid: number): Json => {
  const rate = /^(\d+)B\/s@(\d+)us$/.exec(n.rate ?? '');
  const usecs = Number(rate?.[2]);
  return {
    devid,
    mac: n.mac,
    bridge: n.bridge,
    nictype: n.model === 'pv' ? 'vif' : n.extra.includes('type=ioemu') ? 'vif_ioemu' : null,
    model: n.model === 'pv' ? valueOf(n.extra, 'model') : n.model,
    script: n.script,
    rate_bytes_per_interval: rate ? Math.floor((Number(rate[1]) * usecs) / 1_000_000) : null,
    rate_interval_usecs: rate ? usecs : null,
    // Older versions of Xen do not know the word.
    ...(n.vlan === null ? {} : { vlan: String(n.vlan) }),
  };
};

const cpusIn = (ranges: string): readonly number[] =>
  ranges.split(',').flatMap((range) => {
    const [low = 0, high = low] = range.split('-').map(Number);
    return Array.from({ length: high - low + 1 }, (_, i) => low + i);
  });

/** What stands in `c.extra` under one of the keys is beyond the setting: nothing is expected then. */
const settingsOf = (
  c: VmConfig,
  secretOf: SecretOf,
): { readonly create: Json; readonly b: Json; readonly hvm: Json; readonly rest: Json } => {
  const s = toWrite(c.settings, c.type);
  const extra = new Set(c.extra.map((x) => x.key));
  const but = (key: string, json: Json): Json => (extra.has(key) ? {} : json);
  const secret = (x: Secret | null | undefined): string | null => (x ? secretOf(x) : null);
  const spread = (cpus: string | undefined): unknown =>
    cpus === undefined || cpus === 'all'
      ? null
      : setsOf(cpus, c.vcpus.max).map((set) => (set === 'all' ? [] : cpusIn(set)));
  const port = s['display.vnc.port'] ?? null;
  const spice = settingOf(s, 'display.spice');
  const event = (name: SettingName & `on.${string}`): string | null => {
    const v = settingOf(s, name);
    if (v === 'rename-restart') return 'restart_rename';
    return v === 'destroy' ? null : v.replaceAll('-', '_');
  };
  const order = s['boot.order']?.map((d) => ({ disk: 'c', cdrom: 'd', network: 'n' })[d]).join('') ?? null;
  return {
    create: but('pool', { pool_name: s.cpupool ?? null }),
    b: {
      ...but('bootloader', { bootloader: s['boot.bootloader'] ?? null }),
      sched_params: {
        ...but('cpu_weight', { weight: s['sched.weight'] ?? null }),
        ...but('cap', { cap: s['sched.cap'] ?? null }),
      },
      ...but('cpus', { vcpu_hard_affinity: spread(s['affinity.hard']) }),
      ...but('cpus_soft', { vcpu_soft_affinity: spread(s['affinity.soft']) }),
    },
    hvm: {
      ...but('bios', { bios: s['boot.firmware'] === 'uefi' ? 'ovmf' : null }),
      ...but('boot', { boot: order }),
      ...but('serial', { serial: s.serial ?? null }),
      ...but('usbdevice', { usbdevice: s.tablet ? 'tablet' : null }),
      vnc: {
        enable: s['display.vnc'] === false ? 'False' : null,
        ...but('vnclisten', { listen: s['display.vnc.listen'] ?? null }),
        ...but('vncdisplay', { display: port === null || port === 5900 ? null : port - 5900 }),
        ...but('vncunused', { findunused: port === null ? null : 'False' }),
        passwd: secret(s['display.vnc.password']),
      },
      spice: {
        enable: spice ? 'True' : null,
        ...but('spicehost', { host: s['display.spice.listen'] ?? null }),
        ...but('spiceport', { port: s['display.spice.port'] ?? null }),
        ...but('spicepasswd', { passwd: secret(s['display.spice.password']) }),
        ...but('spicedisable_ticketing', {
          disable_ticketing: spice && !s['display.spice.password'] ? 'True' : null,
        }),
      },
    },
    rest: {
      ...but('on_poweroff', { on_poweroff: event('on.poweroff') }),
      ...but('on_reboot', { on_reboot: event('on.reboot') }),
      ...but('on_crash', { on_crash: event('on.crash') }),
    },
  };
};

/** The parts that `VmConfig` has words for; what its `extra` brings about is not among them. */
export const expectedJson = (c: VmConfig, secretOf: SecretOf = () => null): unknown => {
  const { create, b, hvm, rest } = settingsOf(c, secretOf);
  return {
    c_info: {
      type: c.type,
      name: c.name,
      ...(c.uuid === null ? {} : { uuid: c.uuid }),
      ...create,
    },
    b_info: {
      max_vcpus: c.vcpus.max,
      avail_vcpus: Array.from({ length: c.vcpus.count }, (_, i) => i),
      max_memkb: c.memory.max,
      target_memkb: c.memory.target,
      kernel: c.boot.kernel,
      ramdisk: c.boot.ramdisk,
      cmdline: c.boot.cmdline,
      ...b,
      ...(c.type === 'hvm' ? { 'type.hvm': hvm } : {}),
    },
    disks: [
      ...Object.entries(c.disks).map(([vdev, d]) => disk(vdev, d)),
      ...Object.entries(c.cdroms).map(([vdev, { path }]) => cdrom(vdev, path)),
    ],
    nics: c.nics.map(nic),
    ...rest,
  };
};

const isMap = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);

const differences = (expected: unknown, found: unknown, at: string): readonly string[] => {
  if (isMap(expected)) {
    return Object.entries(expected).flatMap(([key, value]) =>
      differences(value, isMap(found) ? found[key] : undefined, at === '' ? key : `${at}.${key}`),
    );
  }
  if (Array.isArray(expected) && expected.some(isMap)) {
    const list: readonly unknown[] = Array.isArray(found) ? found : [];
    const long = Math.max(expected.length, list.length);
    return Array.from({ length: long }, (_, i) => i).flatMap((i) =>
      i < expected.length
        ? differences(expected[i], list[i], `${at}[${i}]`)
        : [`${at}[${i}]: nothing was expected, found ${canonical(list[i])}`],
    );
  }
  // An empty list is not printed at all.
  const nothing = expected === null || (Array.isArray(expected) && expected.length === 0);
  if (nothing && (found === undefined || sameValue(found, []))) return [];
  return sameValue(expected, found) ? [] : [`${at}: expected ${canonical(expected)}, found ${canonical(found)}`];
};

/** Where `printed` (parsed) is not as expected, in words; empty where it is. Keys that nothing was expected of are not looked at. */
export const sameXlJson = (expected: unknown, printed: unknown): string[] => [...differences(expected, printed, '')];
