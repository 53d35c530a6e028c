/** What a VM boots from, in the one way in which equal values are written. */

/** Xen finds its own pygrub by name: it lies elsewhere in each version and distribution. */
export const loaderName = (bootloader: string): string =>
  /^\/(?:.*\/)?pygrub$/.test(bootloader) ? 'pygrub' : bootloader;
