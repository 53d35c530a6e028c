/** Hotplug scripts: libxl looks for them in a folder of its own. */

const folder = '/etc/xen/scripts/';

/** Without the folder in which libxl looks by itself. */
export const scriptName = (script: string): string =>
  script.startsWith(folder) ? script.slice(folder.length) : script;
