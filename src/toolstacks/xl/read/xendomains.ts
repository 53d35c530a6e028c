/** The settings of the xendomains service: what becomes of running VMs when the server goes down, and when it comes up. */
import type { ServerSeen } from '../../../kinds/server/live.ts';

/** The last assignment counts; quotes are taken off. */
const valueOf = (text: string, name: string): string => {
  const lines = text.split('\n').filter((l) => l.trimStart().startsWith(`${name}=`));
  const raw = (lines.at(-1) ?? '').trimStart().slice(name.length + 1);
  return (
    /^"([^"]*)"|^'([^']*)'|^([^\s#;]*)/
      .exec(raw)
      ?.slice(1)
      .find((x) => x !== undefined) ?? ''
  );
};

/** Where it saves to unless it is told another folder. */
export const usualFolder = '/var/lib/xen/save';

/** The folder that it saves to, where that is another one. */
export const otherFolder = (text: string | null): string | null => {
  const folder = text === null ? '' : valueOf(text, 'XENDOMAINS_SAVE').replace(/\/+$/, '');
  return folder.startsWith('/') && folder !== usualFolder && !/[\x00-\x1f\x7f]/.test(folder) ? folder : null;
};

/** A folder to save to is what makes it save. */
export const parseXendomains = (text: string): NonNullable<ServerSeen['xendomains']> => ({
  saves: valueOf(text, 'XENDOMAINS_SAVE') !== '',
  restores: valueOf(text, 'XENDOMAINS_RESTORE') === 'true',
});
