/** PCI devices of an xl.cfg: kept as libxl keeps them, passed through to nobody. */
import type { Json } from './build-keys.ts';
import type { Settings } from './cfg.ts';
import { table } from '../core/table.ts';

const flags = ['msitranslate', 'power_mgmt', 'permissive', 'seize'] as const;

const hex = (digits: string | undefined): number => Number.parseInt(digits ?? '0', 16);

/** `0000:01:1b.2@8,permissive=1`; zeroes are libxl's default and are left out. */
export const parsePci = (
  specs: readonly string[],
  settings: Settings,
): { readonly devices: readonly Json[] } | { readonly error: string } => {
  const devices: Json[] = [];
  for (const spec of specs) {
    const [address = '', ...options] = spec.split(',');
    const m = /^(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7*])(?:@([0-9a-f]{1,2}))?$/i.exec(
      address.trim(),
    );
    if (m === null) return { error: `unable to parse PCI_SPEC_STRING \`${spec}' for passthrough\n` };
    const said = new Map(options.map((o) => o.split('=')).map(([k = '', v = '']) => [k.trim(), v.trim()]));
    const flag = (name: string): true | undefined => {
      const value = said.get(name) ?? settings.get(`pci_${name}`);
      return value === '1' ? true : undefined;
    };
    const numbers = { func: hex(m[4]), dev: hex(m[3]), bus: hex(m[2]), domain: hex(m[1]), vdevfn: hex(m[5]) << 3 };
    devices.push({
      ...table(Object.entries(numbers).filter(([, n]) => n !== 0)),
      vfunc_mask: 1,
      ...table(flags.flatMap((name) => (flag(name) === undefined ? [] : [[name, true]]))),
    });
  }
  return { devices };
};
