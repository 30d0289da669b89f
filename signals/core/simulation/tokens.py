"""The tokens of the simulated market: invented names, in the order of their size within each sector."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """`kind` is coin, stable, wrapped or staked; `underlying` is the slug that a wrapped or staked token follows."""

    slug: str
    name: str
    symbol: str
    sector: str
    kind: str = "coin"
    underlying: str = ""

    @property
    def categories(self) -> tuple[str, ...]:
        """Category slugs, as assets store them."""
        return {
            "coin": (self.sector,),
            "stable": ("stablecoin",),
            "wrapped": ("wrapped",),
            "staked": ("staked", "wrapped"),
        }[self.kind]


# sector -> (size rank of its largest token, ranks between one token and the next, "Name SYMBOL" ...)
_SECTORS: dict[str, tuple[float, float, str]] = {
    "layer-1": (
        0.0,
        4.2,
        """
        Orrinium ORRI, Valcera VLCR, Quorvane QRVN, Thessily THSY, Novarch NVRC, Kestrelon KSTL,
        Brennick BRNK, Haldane HLDN, Myrrhen MYRH, Palisadic PLSD, Sundermark SNDM, Tarnholm TRNH,
        Umbrava UMBV, Vesperine VSPN, Wexcomb WXCB, Yarrowgate YRWG, Zephrine ZPHN, Corvalune CVLN,
        Drumlin DRML, Eastmere ESTM, Fenwicken FNWK, Glaisher GLSR, Hollowell HLWL, Isengrove ISGV,
        Jorvale JRVL, Lanternfield LNTF, Morrowmere MRWM, Northing NRTG, Pellucidar PLCD, Ravensby RVBY,
        Stavrel STVL, Thornwick THWK, Ulverston ULVN, Wintersea WNTS
        """,
    ),
    "exchange": (
        2.5,
        15.0,
        """
        Bourse Meridian BMRD, Tradewick TWCK, Coinharbour CHBR, Exmoor Exchange EXMR, Parquet Floor PQFL,
        Marlow Markets MLWM, Openpit OPIT, Quaymarket QUAY, Tollgate Trading TLGT, Vantry VNTY
        """,
    ),
    "defi": (
        6.3,
        5.8,
        """
        Lendaria LNDA, Swapwell SWPW, Poolhouse PLHS, Yieldmoor YLDM, Marginalia MRGL, Tidepool Finance TDPF,
        Cofferdam CFDM, Vaultwright VLTW, Ledgerline LDGL, Strikewater STKW, Optionary OPTY, Basispoint BSPT,
        Carrytrade CRYT, Delta Weir DWEIR, Escrowly ESCW, Farthing FRTH, Guildhall GLDH, Hedgerow HDGR,
        Interlend INLD, Jointure JNTR, Keelson KLSN, Longbarrow LBRW, Millrace MLRC, Netherpool NTHP,
        Overcollar OVCL, Perpetua Weir PWEIR, Quillon QLLN, Repobank RPBK, Settlemint Row STMR,
        Tranchery TRNY
        """,
    ),
    "layer-2": (
        9.1,
        12.0,
        """
        Overstorey OVST, Mezzanine MEZZ, Rolluptide RLTD, Skybridgery SKBY, Attica Scale ATSC,
        Lofthouse LOFT, Batchwork BTCW, Compressa CMPA, Duplexor DPLX, Elevara ELVR, Fastlane Weave FLWV,
        Gableroof GBLR, Highrow HIRW, Keyspan KSPN
        """,
    ),
    "meme": (
        11.7,
        11.0,
        """
        Corgi Moonwalk CRGM, Sleepy Walrus SLWR, Toast Cat TSTC, Grumpy Pelican GRPL, Baron Capybara BCAP,
        Wobbly Otter WBOT, Sir Ferret SFRT, Pancake Yeti PYETI, Disco Hamster DSHM, Laser Goose LGSE,
        Lucky Turnip LTRN, Pocket Narwhal PNAR, Rocket Gecko RGKO, Salty Llama SLLM, Tiny Badger TBDG,
        Turbo Snail TSNL
        """,
    ),
    "ai": (
        13.2,
        9.5,
        """
        Cogitare CGTR, Neuralane NRLN, Inferica INFC, Tensorwood TNWD, Gradiente GRDE, Latentia LTNT,
        Synapsera SNPR, Modelhaus MDLH, Promptery PRMY, Weightshare WGSH, Attentive Labs ATTL, Epochal EPCH,
        Gpu Commons GCMN, Heuristica HRST, Overfit OVFT, Tokenmind TKMD
        """,
    ),
    "infrastructure": (
        10.4,
        9.0,
        """
        Oraculum Feed ORCF, Relaywright RLWR, Indexery IDXY, Nodestead NDST, Crosswind Bridge CWBR,
        Beaconry BCNY, Datumline DTML, Envoyant ENVY, Gatewright GTWR, Keyhaven KYHV, Lookoutpost LKPT,
        Messagery MSGY, Observata OBSV, Pingback PNGB, Querywell QRYW, Signalfire SGFR
        """,
    ),
    "gaming": (
        17.6,
        8.1,
        """
        Questoria QSTR, Guildfire Saga GFSG, Pixelmoor PXMR, Dragonfen DRGF, Arenaverse ARNV, Lootbound LTBD,
        Skyraid Tactics SKRT, Mechafield MCHF, Runewright RNWR, Castellum Online CSTO, Deckbinder DKBD,
        Emberquest EMBQ, Farmstead Isles FMSI, Ghostlap Racing GLRC, Hexborne HXBN, Ironkeep IRKP,
        Jumpgate Nine JGN, Kobold Party KBLD, Mythos Forge Row MFRW, Wyrmling WYRM
        """,
    ),
    "rwa": (
        19.3,
        13.0,
        """
        Deedstone DSTN, Tangible Acre TACR, Invoicely INVC, Warehousing WRHS, Bondsmith BNDS,
        Copperfield CPFD, Freightnote FRTN, Granary GRNY, Leasehold LSHD, Mortmain MRTM, Royaltide RYTD,
        Treasurer Row TRSR
        """,
    ),
    "storage": (
        22.1,
        24.0,
        """
        Archivault ARVT, Filestead FLST, Shardwell SHWL, Coldcellar CDCL, Keepsake KPSK, Stackyard STYD
        """,
    ),
    "privacy": (
        15.8,
        21.0,
        """
        Veilmark VEIL, Shroudline SHRD, Incognita INCG, Hushwood HUSH, Cloakroom CLKR, Discretia DSCR,
        Whisperfen WHSP, Maskwork MSKW
        """,
    ),
}

_STABLE = (
    ("Anchorage Dollar", "ANUSD"),
    ("Mint Street Dollar", "MSUSD"),
    ("Plainsong Dollar", "PLUSD"),
    ("Tallystick Dollar", "TLUSD"),
    ("Bulwark Dollar", "BWUSD"),
    ("Perpetuum Dollar", "PPUSD"),
)
RECOVERING_STABLE, DYING_STABLE = "bulwark-dollar", "perpetuum-dollar"
_FOLLOWERS = (
    ("Wrapped Orrinium", "WORRI", "wrapped", "orrinium"),
    ("Wrapped Valcera", "WVLCR", "wrapped", "valcera"),
    ("Lakeside Staked Valcera", "LSVLCR", "staked", "valcera"),
    ("Staked Quorvane", "STQRVN", "staked", "quorvane"),
)


def tokens() -> list[Token]:
    """Every token: coins from the largest to the smallest, then stablecoins, then wrapped and staked forms."""
    ranked: list[tuple[float, Token]] = []
    for sector, (first, step, names) in _SECTORS.items():
        for number, entry in enumerate(names.split(",")):
            name, symbol = entry.strip().rsplit(" ", 1)
            ranked.append((first + number * step, Token(_slug(name), name, symbol, sector)))
    coins = [token for _, token in sorted(ranked, key=lambda item: (item[0], item[1].slug))]
    stables = [Token(_slug(name), name, symbol, "stablecoin", "stable") for name, symbol in _STABLE]
    followers = [
        Token(_slug(name), name, symbol, "layer-1", kind, under) for name, symbol, kind, under in _FOLLOWERS
    ]
    return coins + stables + followers


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")
