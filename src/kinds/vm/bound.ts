/** What binds a VM to its server: devices of the server that it has, and VMs there that serve its disks and NICs. */
import type { CfgSetting, CfgValue, VmConfig } from './spec.ts';

/** Keys whose devices are the server's own, and stay there. */
const ofServer: ReadonlySet<string> = new Set(['pci', 'usbdev', 'ioports', 'iomem', 'irqs', 'dtdev', 'vtpm', 'p9']);

const textsIn = (v: CfgValue): readonly string[] => (typeof v === 'string' ? [v] : v.flatMap(textsIn));

/** An empty list is none. */
const isDevice = ({ key, value }: CfgSetting): boolean =>
  key === 'usbdevice' ? textsIn(value).some((v) => v.startsWith('host:')) : ofServer.has(key) && value.length > 0;

const isOn = (config: VmConfig, key: string): boolean =>
  config.extra.some((x) => x.key === key && x.value !== '0' && x.value.length > 0);

/** Other VMs have disks or NICs from it. */
export const isDriverDomain = (config: VmConfig): boolean => isOn(config, 'driver_domain');

/** `backend=NAME` of a disk or a NIC; dom0 is no driver domain. */
const servedBy = (words: readonly string[]): string | null => {
  const name = words.find((w) => w.startsWith('backend='))?.slice('backend='.length) ?? '';
  return ['', '0', 'dom0', 'Domain-0'].includes(name) ? null : name;
};

/** Whether something else than its server serves the device. */
export const isServed = ({ extra }: { readonly extra: readonly string[] }): boolean => servedBy(extra) !== null;

/** The driver domains that serve its disks and NICs, each once. */
export const driverDomainsOf = ({ disks, nics }: Pick<VmConfig, 'disks' | 'nics'>): readonly string[] => [
  ...new Set([...Object.values(disks), ...nics].flatMap((d) => servedBy(d.extra) ?? [])),
];

/** Why a VM of this configuration cannot leave its server while it runs; null: nothing of it binds it. */
export const boundBy = (config: VmConfig): string | null => {
  const device = config.extra.find(isDevice);
  if (device) return `it has a device of its server (${device.key})`;
  const [driver] = driverDomainsOf(config);
  if (driver !== undefined) return `driver domain ${driver} of its server serves a disk or a NIC of it`;
  return isOn(config, 'nomigrate') ? 'its cfg says nomigrate' : null;
};
