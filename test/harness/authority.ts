import './reflect-metadata.ts'
import { randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000

/** A leaf certificate and its key, PEM. */
export type Leaf = { readonly cert: string; readonly key: string }

/** A certificate authority that lives as long as the test. */
export type Authority = {
  /** What to trust, PEM. */
  readonly ca: string
  issue(hosts: readonly string[], options?: IssueOptions): Promise<Leaf>
}

type Validity = { readonly notBefore: Date; readonly notAfter: Date }

type IssueOptions = Partial<Validity> & {
  /** The first host as the subject's common name and no subjectAltName, as nobody has issued them for years. */
  readonly commonNameOnly?: boolean
}

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
    issue: (hosts, options) => issueLeaf({ root, signingKey: keys.privateKey }, hosts, options),
  }
}

/** A certificate for a host that vouches for itself. */
export async function issueSelfSigned(host: string): Promise<Leaf> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${host}`,
    ...validNow(),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [alternativeNames([host])],
  })
  return await leafOf(certificate, keys)
}

async function issueLeaf(
  issuer: { readonly root: x509.X509Certificate; readonly signingKey: webcrypto.CryptoKey },
  hosts: readonly string[],
  { commonNameOnly = false, ...validity }: IssueOptions = {},
): Promise<Leaf> {
  const keys = await generateKeys()
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    // Names are looked for in subjectAltName alone, as public authorities issue them.
    subject: commonNameOnly ? `CN=${hosts[0]}` : 'CN=leaf',
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
      ...(commonNameOnly ? [] : [alternativeNames(hosts)]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.root.publicKey),
    ],
  })
  return await leafOf(leaf, keys)
}

function alternativeNames(hosts: readonly string[]): x509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns', value })))
}

async function leafOf(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair): Promise<Leaf> {
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') }
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
