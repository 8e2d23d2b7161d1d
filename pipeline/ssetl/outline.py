"""The outline of `extra`: what of it says how a chunk was built, and nothing of what people wrote.

The outline is an allow-list. A member whose name is not on it is content as a whole, its name included: so
are the keys of objects that people or models fill (arguments, metadata, log probabilities by token). Names
are compared without case, `_` and `-`: `finish_reason` is `finishReason`.

- Members of `_CONTAINERS` are walked; a text, a number or a boolean that stands there is content.
- Members of `_FACTS` keep numbers and booleans.
- Members of `_LABELS` keep those and texts that are one word of printable ASCII, at most `MAX_LABEL` long.
- Elements of lists keep nothing but their own members: numbers in a list may be tokens.
- `{"$column": …}`, which refers to a column, stays.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from ssetl.jsontext import encode

MAX_LABEL: Final = 128
"""Characters of a label; a longer text is none."""

Hide = Callable[[str], str | None]
"""What becomes of a text that people may have written; None: nothing is left of it."""


def is_label(text: str) -> bool:
    """Whether a text is one word, as names of types and reasons are."""
    return _LABEL.fullmatch(text) is not None


def outline(value: Any, hide: Hide) -> Any:
    """A decoded `extra` with all hidden that is no outline; what `hide` gives nothing for is gone."""
    return _outlined("", value, hide)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LABEL: Final = re.compile(rf"[!-~]{{1,{MAX_LABEL}}}")
_REFERENCE: Final = {"$column"}

_CONTAINERS: Final = _names(
    """
    annotation annotations billedunits cachecreation candidates candidatestokensdetails choices
    completiontokensdetails content contentblock contentblockdelta contentblockstart contentblockstop
    contentfilteroffsets contentfilterresults contentparts copilotusage costdetails delta error errors
    executablecode function functioncall functioncalls generatedtext hate incompletedetails inputtokendetails
    inputtokensdetails interaction item jailbreak lasterror message messagestart messagestop meta metrics
    modelturn output outputs outputtext outputtokendetails outputtokensdetails outputtranscription part parts
    promptfeedback promptfilterresults prompttokendetails prompttokensdetails protectedmaterialcode
    protectedmaterialtext reasoning reasoningcontent reasoningdetails reasoningtext refusal response
    responsetokensdetails safetyratings selfharm servercontent servertooluse sessionresumptionupdate
    setupcomplete sexual start step stepdetails summary text thinking thought timeinfo timings tokendetails
    tokens toolcall toolcalls tooluse usage usagemetadata violence xgroq amazonbedrockframe
    amazonbedrockinvocationmetrics
    """
)
_LABELS: Final = _names(
    """
    agentid agentversion apiversion assistantid blockreason callid category channel clientrequestid
    completedat containerid created createdat createtime donereason effort endtime event eventtime eventtype
    finalprovider finishreason format foundationmodel generationid id inferencegeo interactionid
    internalmodelid itemid language languagecode messageid modality mode model modelid modelversion
    nativefinishreason object originalmodelid outcome phase probability provider providerrequestid
    providerresponseid reason requestid resolvedprovider responseid role runid servicetier sessionid severity
    starttime status stepid stopreason systemfingerprint threadid tokentype toolcallid tooluseid traceid
    traffictype truncation type verbosity version
    """
)
_FACTS: Final = _names(
    """
    acceptedpredictiontokens annotationindex audiotokens background batchsize blocked cachecreationinputtokens
    cachedcontenttokencount cachedtokens cachen cachereadinputtokencount cachereadinputtokens
    cachewriteinputtokens cachewritetokens candidatestokencount checkoffset choiceposition code commandindex
    completiontime completiontokens contentblockindex contentindex cost costinusdticks detected done
    endoffset ephemeral1hinputtokens ephemeral24hinputtokens ephemeral5minputtokens evalcount evalduration
    exitcode expiresat filtered firstbytelatency flagged frequencypenalty generatedtokens imagetokens
    incompleteat index inputlength inputtokencount inputtokens invocationlatency isbyok iserror isfinished
    latencyms loadduration maxcompletiontokens maxoutputtokens maxtokens numsourcesused outputindex
    outputtokencount outputtokens parallel paralleltoolcalls partialimageindex predictedms predictedn
    predictedpersecond predictedpertokenms presencepenalty probabilityscore promptcachehittokens
    promptcachemisstokens promptevalcount promptevalduration promptindex promptms promptn promptpersecond
    promptpertokenms prompttime prompttokencount prompttokens queuetime reasoningtokens
    rejectedpredictiontokens requestcost responsetokencount seed sequencenumber severityscore startedat
    startoffset statuscode store success summaryindex temperature texttokens thought thoughtstokencount
    timeperoutputtokenms timetofirsttokenms tokencount tokens tokenspersecond tooluseprompttokencount topk
    topp totalcachedtokens totalcost totalduration totalinputtokens totaloutputtokens totalthoughttokens
    totaltime totaltimems totaltokencount totaltokens turncomplete videotokens websearchrequests
    """
)
_NAMES: Final = _CONTAINERS | _LABELS | _FACTS


def _outlined(name: str, value: Any, hide: Hide) -> Any:
    """`value` of the member `name`; None if nothing is left of it."""
    if type(value) is dict:
        return value if value.keys() == _REFERENCE else _outlined_members(value, hide)
    if type(value) is list:
        return [_outlined("", element, hide) for element in value]
    if value is None or (name in _LABELS and (type(value) is not str or is_label(value))):
        return value
    if name in _FACTS and type(value) is not str:
        return value
    return _hidden(value, hide)


def _outlined_members(value: dict[str, Any], hide: Hide) -> dict[str, Any]:
    outlined: dict[str, Any] = {}
    for key, member in value.items():
        name = _plain(key)
        walked = name in (_CONTAINERS if type(member) in (dict, list) else _NAMES)
        left = _outlined(name, member, hide) if walked else _hidden(member, hide)
        shown = key if name in _NAMES else hide(key)
        if shown is not None and (left is not None or member is None):
            outlined[shown] = left
    return outlined


def _hidden(value: Any, hide: Hide) -> str | None:
    """Anything as a text, hidden."""
    return None if value is None else hide(value if type(value) is str else encode(value))


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    return name.translate(_SEPARATORS).lower()


_SEPARATORS: Final = str.maketrans("", "", "_-")
