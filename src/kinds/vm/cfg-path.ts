/** Where the cfg of a VM may lie, and where Reeve keeps it. */

const home = '/etc/xen/';

/** Where a cfg that Reeve makes has its place. */
export const cfgPath = (name: string): string => `${home}${name}.cfg`;

/** Every reading looks there, however deep. */
export const isBelowXen = (path: string): boolean => path.startsWith(home);

const isNormal = (path: string): boolean =>
  path.split('/').every((part, i) => (i === 0) === (part === '') && part !== '.' && part !== '..');

/** Neither Xen's scripts nor what leads out is a cfg. */
export const isCfgOfXen = (path: string): boolean =>
  isBelowXen(path) && !/^\/etc\/xen\/(?:scripts|boot)\//.test(path) && isNormal(path);

/** What a link of /etc/xen/auto or a running `xl create` may name elsewhere: no file of the system itself. */
export const isCfgElsewhere = (path: string): boolean =>
  !isBelowXen(path) &&
  isNormal(path) &&
  !/^\/(?:etc|dev|proc|sys|run|boot|bin|sbin|lib)\//.test(path) &&
  !/[\x00-\x1f\x7f]/.test(path) &&
  path.length <= 1000;
