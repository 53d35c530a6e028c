/** What the real `xl -N create CFG` prints for a cfg that Reeve wrote: the law that holds the writer to xl's own reading. */
import { canonical, sameValue } from '../../core/digest.ts';
import type { DiskConfig, NicConfig, VmConfig } from '../../kinds/vm/spec.ts';

type Json = Readonly<Record<string, unknown>>;

/** libxl leaves defaults out: null stands for "this key is not printed". */
const disk = (vdev: string, d: DiskConfig): Json => {
  const cdrom = d.extra.includes('devtype=cdrom');
  const option = (key: string): string | null =>
    d.extra.find((x) => x.startsWith(`${key}=`))?.slice(key.length + 1) ?? null;
  return {
    pdev_path: d.path === '' ? null : d.path,
    vdev,
    format: d.format,
    readwrite: d.access === 'rw' ? 1 : null,
    removable: cdrom ? 1 : null,
    is_cdrom: cdrom ? 1 : null,
    backend: option('backendtype'),
    backend_domname: option('backend'),
    script: option('script'),
  };
};

const nic = (n: NicConfig, devid: number): Json => ({ devid, mac: n.mac, bridge: n.bridge });

/** The parts that `VmConfig` has words for; what its `extra` brings about is not among them. */
export const expectedJson = (c: VmConfig): unknown => ({
  c_info: { type: c.type, name: c.name, ...(c.uuid === null ? {} : { uuid: c.uuid }) },
  b_info: {
    max_vcpus: c.vcpus.max,
    avail_vcpus: Array.from({ length: c.vcpus.count }, (_, i) => i),
    max_memkb: c.memory.max,
    target_memkb: c.memory.target,
    kernel: c.boot.kernel,
    ramdisk: c.boot.ramdisk,
    cmdline: c.boot.cmdline,
  },
  disks: Object.entries(c.disks).map(([vdev, d]) => disk(vdev, d)),
  nics: c.nics.map(nic),
});

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
