import './reflect-metadata.ts'
import { randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

/** A leaf certificate and its key, PEM. */
type Leaf = { readonly cert: string; readonly key: string }

/** A certificate authority that lives as long as the test. */
export type Authority = {
  /** What to trust, PEM. */
  readonly ca: string
  issue(hosts: readonly string[], validity?: Partial<Validity>): Promise<Leaf>
}

type Validity = { readonly notBefore: Date; readonly notAfter: Date }

/** Creates a throw-away authority. */
export async function createAuthority(name = 'Throw-away test authority'): Promise<Authority> {
  const keys = await generateKeys()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${name}`,
    ...validNow(),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    ca: root.toString('pem'),
    issue: (hosts, validity) => issueLeaf({ root, signingKey: keys.privateKey }, hosts, validity),
  }
}

async function issueLeaf(
  issuer: { readonly root: x509.X509Certificate; readonly signingKey: webcrypto.CryptoKey },
  hosts: readonly string[],
  validity: Partial<Validity> = {},
): Promise<Leaf> {
  const keys = await generateKeys()
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    // Names are looked for in subjectAltName alone, as public authorities issue them.
    subject: 'CN=leaf',
    issuer: issuer.root.subject,
    ...validNow(),
    ...validity,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuer.signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns', value }))),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.root.publicKey),
    ],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: leaf.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') }
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

/** Wide enough that a clock some hours off does not matter. */
function validNow(): Validity {
  return { notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: new Date(Date.now() + 30 * DAY_MS) }
}

function serialNumber(): string {
  return `01${randomBytes(15).toString('hex')}`
}
