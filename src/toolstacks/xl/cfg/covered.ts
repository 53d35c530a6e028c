/**
 * Passwords within a cfg's other values (`vfb`, `device_model_args`, the address in a command line): `***` stands for each in
 * all that Reeve compares, plans and shows, and the cfg that stands on a dom0 gives them back when it is written anew.
 */
import { cover, covered, holdsCover } from '../../../core/password.ts';
import { table } from '../../../core/table.ts';
import type { CfgSetting, CfgValue, VmConfig } from '../../../kinds/vm/spec.ts';
import { Odd } from './values.ts';

/** Whole values: where they are a setting, they are told apart by a digest and never are among the others. */
const isPassword = (key: string): boolean => key === 'vncpasswd' || key === 'spicepasswd';

const mapped = (value: CfgValue, to: (text: string) => string): CfgValue =>
  typeof value === 'string' ? to(value) : value.map((v) => mapped(v, to));

const coveredIn = ({ key, value }: CfgSetting): CfgSetting => ({
  key,
  value: mapped(value, isPassword(key) ? (text) => (text === '' ? '' : cover) : covered),
});

const within = <T extends { readonly path: string }>(by: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  table(Object.entries(by).map(([name, item]) => [name, { ...item, path: covered(item.path) }]));

export const coveredConfig = (c: VmConfig): VmConfig => ({
  ...c,
  boot: { ...c.boot, cmdline: c.boot.cmdline && covered(c.boot.cmdline) },
  disks: table(
    Object.entries(within(c.disks)).map(([vdev, disk]) => [vdev, { ...disk, extra: disk.extra.map(covered) }]),
  ),
  cdroms: within(c.cdroms),
  nics: c.nics.map((nic) => ({ ...nic, extra: nic.extra.map(covered) })),
  extra: c.extra.map(coveredIn),
});

/** Every text of a value, in order. */
const textsIn = (value: CfgValue): readonly string[] => (typeof value === 'string' ? [value] : value.flatMap(textsIn));

/** With the passwords of `standing`, the same keys as they stand there. Throws `Odd` for one that it has not. */
export const uncovered = (keys: readonly CfgSetting[], standing: readonly CfgSetting[]): readonly CfgSetting[] =>
  keys.map((setting) => {
    const { key, value } = setting;
    const hides = (text: string): boolean => (isPassword(key) ? text === cover : holdsCover(text));
    if (!textsIn(value).some(hides)) return setting;
    const left = standing.flatMap((s) => (s.key === key ? textsIn(s.value) : []));
    return {
      key,
      value: mapped(value, (text) => {
        if (!hides(text)) return text;
        const at = left.findIndex((whole) => (isPassword(key) ? whole !== '' : covered(whole) === text));
        const [whole] = at < 0 ? [] : left.splice(at, 1);
        if (whole === undefined || hides(whole)) throw new Odd(`nobody knows the password in ${key}`);
        return whole;
      }),
    };
  });

/** Whether a cfg can be written only where another one stands that has its passwords. */
export const hasCover = (keys: readonly CfgSetting[]): boolean =>
  keys.some(({ value }) => textsIn(value).some(holdsCover));
