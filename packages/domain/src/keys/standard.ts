/** States of a key on its key server (KMIP 1.4, 3.22), as vSphere-like centers treat them. */
export const mayEncrypt = (state: string): boolean => state === 'Active';
